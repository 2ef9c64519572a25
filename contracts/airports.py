"""Airports, by FAA code (``ORD``)."""

from tether import Created, Owner

OWNER = Owner("airports")


class AirportAdded(Created, entity="airport"):
    """An airport is known."""

    name: str
    timezone: str | None = None
    """IANA name, ``America/Chicago``."""
