"""Where a team takes part: moved to another event, taken out of its own."""

from fastapi import APIRouter, Response

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.entities import Key, OwnedEntity
from examples.owner.idempotency import Incoming
from examples.owner.problems import RequestRefused
from examples.owner.service import Kit
from examples.teams.bodies import TeamMove


def moves(kit: Kit) -> APIRouter:
    """``POST /teams/{id}/moves`` and ``DELETE /teams/{id}/event``, which tell TeamMoved."""
    teams, outbox, commands = kit.of("team"), kit.outbox, kit.commands
    router = APIRouter(prefix="/teams/{key}", tags=["teams"])

    @router.post("/moves")
    def move(key: str, to: TeamMove, command: Incoming, carried: Carried) -> Response:
        """Let a team take part in another event; the present one changes nothing.

        404, 410: not there, or no longer. 412: not this version (``If-Match``), or not ``still_in`` that event.
        """

        def effect(tx: Transaction) -> Response:
            check_still_in(teams.live(tx, key), to.still_in, stated="still_in" in to.model_fields_set)
            team, changed = teams.change(tx, key, command.condition, {"event_id": to.event_id})
            if changed:
                outbox.add(tx, "TeamMoved.v1", team, {"event_id": to.event_id}, carried)
            return team.answer()

        return commands.once(command, effect)

    @router.delete("/event", status_code=204)
    def withdraw(key: str, command: Incoming, carried: Carried, still_in: Key | None = None) -> Response:
        """Take a team out of its event. Is it in none already, nothing changes, whatever ``still_in`` says.

        404, 410: not there, or no longer. 412: not this version (``If-Match``), or in another event.
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
    """Refused: 412 when the team is to be in an event (None: in none) in which it is not; unless nothing is stated."""
    present = team.fields["event_id"]
    if stated and present != still_in:
        where, wanted = ("in no event" if at is None else f"in {at!r}" for at in (present, still_in))
        reason = f"The team {team.id!r} is {where}, not {wanted}. Read it again, then decide anew."
        raise RequestRefused(412, "precondition", reason)
