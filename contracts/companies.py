"""Companies: those that people work for."""

from tether import Created, Deleted, Owner

OWNER = Owner("companies")


class CompanyAdded(Created, entity="company"):
    """A company was added."""

    name: str


class CompanyRemoved(Deleted, entity="company"):
    """A company was removed."""
