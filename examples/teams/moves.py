"""Moves of a team to another event, and out of its event."""

from fastapi import APIRouter, Response

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.entities import EntityId, OwnedEntity
from examples.owner.idempotency import Incoming
from examples.owner.problems import RequestRefused
from examples.owner.service import Kit
from examples.teams.bodies import TeamMove


def moves(kit: Kit) -> APIRouter:
    """``POST /teams/{id}/moves`` and ``DELETE /teams/{id}/event``, which publish TeamMoved."""
    teams, outbox, commands = kit.of("team"), kit.outbox, kit.commands
    router = APIRouter(prefix="/teams/{key}", tags=["teams"])

    @router.post("/moves")
    def move(key: str, to: TeamMove, command: Incoming, carried: Carried) -> Response:
        """Move a team to another event; a move to its present event changes nothing.

        404: unknown. 410: deleted. 412: it has another version than ``If-Match``, or another event than ``still_in``.
        """

        def effect(tx: Transaction) -> Response:
            check_still_in(teams.live(tx, key), to.still_in, stated="still_in" in to.model_fields_set)
            team, changed = teams.change(tx, key, command.condition, {"event_id": to.event_id})
            if changed:
                outbox.add(tx, "TeamMoved.v1", team, {"event_id": to.event_id}, carried)
            return team.answer()

        return commands.once(command, effect)

    @router.delete("/event", status_code=204)
    def withdraw(key: str, command: Incoming, carried: Carried, still_in: EntityId | None = None) -> Response:
        """Take a team out of its event. If it has no event, nothing changes, whatever ``still_in`` is.

        404: unknown. 410: deleted. 412: it has another version than ``If-Match``, or another event than ``still_in``.
        """

        def effect(tx: Transaction) -> Response:
            team = teams.live(tx, key)
            if team.fields["event_id"] is not None:
                check_still_in(team, still_in, stated=still_in is not None)
            team, changed = teams.change(tx, key, command.condition, {"event_id": None})
            if changed:
                outbox.add(tx, "TeamMoved.v1", team, {"event_id": None}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    return router


def check_still_in(team: OwnedEntity, still_in: str | None, *, stated: bool) -> None:
    """Checks the precondition ``still_in`` of a request. Raises RequestRefused (412) when the team is in another event.

    ``still_in``: key of the event, None for no event; ``stated``: whether the request has this precondition.
    """
    present = team.fields["event_id"]
    if stated and present != still_in:
        where, wanted = ("in no event" if at is None else f"in {at!r}" for at in (present, still_in))
        reason = f"The team {team.id!r} is {where}, not {wanted}. Read it, then send a new request."
        raise RequestRefused(412, "precondition", reason)
