"""Categories: what items are sorted by."""

from tether import Changed, Created, Deleted, Owner

OWNER = Owner("categories")


class CategoryAdded(Created, entity="category"):
    """A category was added."""

    name: str


class CategoryUpdated(Changed, entity="category"):
    """A category was changed."""

    name: str


class CategoryRemoved(Deleted, entity="category"):
    """A category was removed."""
