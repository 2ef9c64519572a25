"""Tickets: the owner of what people want from the support, which publishes facts about it. It stores the key of a
person as a text, and does not know that a person may have several.

A request that removes or assigns a ticket may name the person whose ticket the client believes it to be: ``still_of``.
If it is another person's, the request is refused (412) and changes nothing.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.entities import EntityId, OwnedEntity
from examples.owner.idempotency import Incoming
from examples.owner.problems import RequestRefused
from examples.owner.service import Kit, OwnerService
from examples.tickets.bodies import Assignment, NewTicket


def _routes(kit: Kit) -> APIRouter:
    router = APIRouter(tags=["tickets"])
    router.include_router(_changes(kit))
    router.include_router(_reads(kit))
    return router


def _changes(kit: Kit) -> APIRouter:
    tickets, outbox, commands = kit.of("ticket"), kit.outbox, kit.commands
    router = APIRouter(prefix="/tickets")

    @router.post("", status_code=201)
    def create(new: NewTicket, command: Incoming, carried: Carried) -> Response:
        """Open a ticket; a removed one is opened again. 409: an open ticket has this id."""

        def effect(tx: Transaction) -> Response:
            fields = {"subject": new.subject, "person_id": new.person_id}
            ticket = tickets.create(tx, new.id, fields)
            outbox.add(tx, "TicketOpened.v1", ticket, fields, carried)
            return ticket.answer(201)

        return commands.once(command, effect)

    @router.post("/{key}/assignments")
    def assign(key: str, to: Assignment, command: Incoming, carried: Carried) -> Response:
        """Make a ticket another person's; if it is that person's already, nothing changes.

        404: unknown. 410: removed. 412: it has another version than ``If-Match``, or another person than ``still_of``.
        """

        def effect(tx: Transaction) -> Response:
            _check_still_of(tickets.live(tx, key), to.still_of, stated="still_of" in to.model_fields_set)
            ticket, changed = tickets.change(tx, key, command.condition, {"person_id": to.person_id})
            if changed:
                outbox.add(tx, "TicketAssigned.v1", ticket, {"person_id": to.person_id}, carried)
            return ticket.answer()

        return commands.once(command, effect)

    @router.delete("/{key}", status_code=204)
    def delete(key: str, command: Incoming, carried: Carried, still_of: EntityId | None = None) -> Response:
        """Remove a ticket. 404: unknown. 410: removed. 412: another version, or another person than ``still_of``."""

        def effect(tx: Transaction) -> Response:
            _check_still_of(tickets.live(tx, key), still_of, stated=still_of is not None)
            outbox.add(tx, "TicketRemoved.v1", tickets.delete(tx, key, command.condition), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    return router


def _reads(kit: Kit) -> APIRouter:
    tickets = kit.of("ticket")
    router = APIRouter(prefix="/tickets")

    @router.get("")
    def page(
        after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100, person_id: str | None = None
    ) -> dict[str, object]:
        """Tickets, all or those of one key of a person, in the order of their ids; ``after``: last id of the page
        before."""
        having = {} if person_id is None else {"person_id": person_id}
        return {"items": [ticket.document for ticket in tickets.page(after, limit, **having)]}

    @router.get("/{key}")
    def show(key: str) -> Response:
        """One ticket, with its version as ``ETag``. 404: unknown. 410: removed."""
        return tickets.get(key).answer()

    return router


def _check_still_of(ticket: OwnedEntity, still_of: str | None, *, stated: bool) -> None:
    """Checks the precondition ``still_of`` of a request. Raises RequestRefused (412) for another person's ticket.

    ``still_of``: key of the person, None for no person; ``stated``: whether the request has this precondition.
    """
    present = ticket.fields["person_id"]
    if stated and present != still_of:
        whose, wanted = ("of no person" if key is None else f"of {key!r}" for key in (present, still_of))
        reason = f"The ticket {ticket.id!r} is {whose}, not {wanted}. Read it, then send a new request."
        raise RequestRefused(412, "precondition", reason)


TICKETS = OwnerService(source="/tickets", routes=_routes)
