"""People by their e-mail addresses, which are written in any letter case."""

from tether import CaseFolded, Changed, Created, Deleted, Merged, Owner

OWNER = Owner("addresses", keys={"correspondent": CaseFolded})


class CorrespondentAdded(Created, entity="correspondent"):
    """An address was used for the first time."""

    name: str = ""


class CorrespondentRenamed(Changed, entity="correspondent"):
    """Someone has another name."""

    name: str


class CorrespondentRemoved(Deleted, entity="correspondent"):
    """An address is not used any more."""


class CorrespondentsMerged(Merged, entity="correspondent"):
    """Addresses are of the same person."""

    survivor: str
    losers: list[str]
