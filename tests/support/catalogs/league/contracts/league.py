"""The league: players and bookings of teams; stands, sponsors and photos of events."""

from tether import Changed, Command, Created, Deleted, ExpectedParent, Key, Merged, Owner, Unmerged

OWNER = Owner("league")


class PlayerCreated(Created, entity="player"):
    """A player was signed."""

    of: str


class PlayerDeleted(Deleted, entity="player"):
    """A player has left."""


class PlayersMerged(Merged, entity="player"):
    """Records are of one player."""

    survivor: str
    losers: list[str]


class PlayersParted(Unmerged, entity="player"):
    """They are not."""

    survivor: str
    losers: list[str]


class DeletePlayer(Command, method="DELETE", path="/player/{player}"):
    """Let a player go."""

    player: Key
    still_of: ExpectedParent = None


class BookingCreated(Created, entity="booking"):
    """A team's journey was booked."""

    of: str


class BookingDeleted(Deleted, entity="booking"):
    """A booking was cancelled."""


class StandCreated(Created, entity="stand"):
    """A stand was built."""

    of: str


class StandDeleted(Deleted, entity="stand"):
    """A stand was taken down."""


class SponsorCreated(Created, entity="sponsor"):
    """A sponsor pays for an event."""

    of: str


class SponsorRaised(Changed, entity="sponsor"):
    """A sponsor pays more."""

    level: int


class SponsorFreed(Changed, entity="sponsor"):
    """A sponsor pays for nothing any more."""

    of: str | None


class FreeSponsor(Command, method="DELETE", path="/sponsor/{sponsor}/of"):
    """Let a sponsor pay for nothing, at whatever level it pays."""

    sponsor: Key
    still_of: ExpectedParent = None
    level: int | None = None


class PhotoCreated(Created, entity="photo"):
    """A photo was taken of an event."""

    of: str
