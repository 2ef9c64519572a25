"""Tickets: what people want from the support."""

from tether import Changed, Created, Deleted, Owner

OWNER = Owner("tickets")


class TicketOpened(Created, entity="ticket"):
    """A person wants something."""

    subject: str
    person_id: str | None = None
    """Key of the person, as the tickets know it; null: unknown."""


class TicketAssigned(Changed, entity="ticket"):
    """A ticket turned out to be another person's."""

    person_id: str | None


class TicketRemoved(Deleted, entity="ticket"):
    """A ticket was removed."""
