"""Groups: people who belong together. Knows nothing of channels."""

from contracts.vocabulary import Changed, Created, Deleted, Owner

OWNER = Owner("groups")


class GroupCreated(Created, entity="group"):
    """A group was founded."""

    name: str


class GroupRenamed(Changed, entity="group"):
    """A group has another name."""

    name: str


class GroupDeleted(Deleted, entity="group"):
    """A group was dissolved."""
