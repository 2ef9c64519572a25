"""Tickets: what people want from the support."""

from tether import Changed, Command, Created, Deleted, ExpectedParent, Key, Owner

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


class RemoveTicket(Command, method="DELETE", path="/tickets/{ticket_id}", deletes="ticket"):
    """Remove a ticket, if it still is that person's."""

    ticket_id: Key
    still_of: ExpectedParent = None


class AssignTicket(Command, method="POST", path="/tickets/{ticket_id}/assignments"):
    """Make a ticket another person's, if it still is that one's."""

    ticket_id: Key
    person_id: str
    still_of: ExpectedParent = None
