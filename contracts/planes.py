"""Planes, by tail number (``N14228``)."""

from tether import Created, Owner

OWNER = Owner("planes")


class PlaneAdded(Created, entity="plane"):
    """A plane is registered."""

    manufacturer: str | None = None
    model: str | None = None
    year: int | None = None
    seats: int | None = None
