"""Members of clubs, of which one person may have several records; the smallest key remains."""

from tether import Changed, Created, Deleted, Merged, MergePolicy, Owner, SurvivorRule, Unmerged

OWNER = Owner("clubs")


class ClubFounded(Created, entity="club"):
    """A club was founded."""


class MemberJoined(Created, entity="member"):
    """A person has joined a club, on the advice of another member."""

    club: str | None = None
    mentor: str | None = None


class MemberChanged(Changed, entity="member"):
    """Another club, or another mentor."""

    club: str | None = None
    mentor: str | None = None


class MemberLeft(Deleted, entity="member"):
    """A member has left."""


class MembersMerged(Merged, entity="member", policy=MergePolicy(survivor=SurvivorRule.SMALLEST_KEY)):
    """Records are of one person."""

    survivor: str
    losers: list[str]


class MembersParted(Unmerged, entity="member"):
    """They are not."""

    survivor: str
    losers: list[str]


class BadgeMade(Created, entity="badge"):
    """A member has one badge."""

    member: str


class LockerRented(Created, entity="locker"):
    """A member has one locker."""

    member: str
