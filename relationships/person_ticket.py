"""Tickets belong to a person, follow it when profiles are merged, and are removed with it."""

from contracts.tickets import AssignTicket, RemoveTicket
from tether import Cascade, Relationship

person_ticket = Relationship(
    parent="person",
    child="ticket",
    via="person_id",
    on_parent_deleted=Cascade(RemoveTicket),
    move=AssignTicket,
)
