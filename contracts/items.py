"""Items: things that are sorted into categories."""

from tether import Changed, Created, Deleted, Owner

OWNER = Owner("items")


class ItemAdded(Created, entity="item"):
    """An item was added."""

    name: str
    category: str | None = None
    """Key of the category the item is in; null: none."""


class ItemUpdated(Changed, entity="item"):
    """An item was changed; carries the fields that it is about."""

    name: str = ""
    category: str | None = None
    """Key of the category the item is in; null: none; absent: as before."""


class ItemRemoved(Deleted, entity="item"):
    """An item was removed."""
