"""Flights, by carrier and number, origin, and local date (``UA1545-EWR-20130101``)."""

from tether import Created, Owner

OWNER = Owner("flights")


class FlightScheduled(Created, entity="flight"):
    """A flight is in the schedule."""

    carrier: str
    """Key of the airline."""
    flight: int
    origin: str
    """Key of the airport it leaves from."""
    dest: str
    """Key of the airport it goes to."""
    tailnum: str | None = None
    """Key of the plane; null: not known."""
    distance: float
    """Miles."""
