"""Airlines, by carrier code (``UA``)."""

from tether import Created, Owner

OWNER = Owner("airlines")


class AirlineAdded(Created, entity="airline"):
    """An airline is known."""

    name: str
