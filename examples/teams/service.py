"""Teams: the owner of teams, which publishes facts about them. It stores the key of a team's event as a text, and does
not know whether such an event exists.

A request that deletes, moves or withdraws a team may name the event in which the client believes the team to be:
``still_in``. If the team is in another event, the request is refused (412) and changes nothing.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.entities import EntityId
from examples.owner.idempotency import Incoming
from examples.owner.service import Kit, OwnerService
from examples.teams.bodies import NewTeam, Renaming
from examples.teams.moves import check_still_in, moves


def _routes(kit: Kit) -> APIRouter:
    router = APIRouter()
    router.include_router(_teams(kit))
    router.include_router(moves(kit))
    return router


def _teams(kit: Kit) -> APIRouter:
    teams, outbox, commands = kit.of("team"), kit.outbox, kit.commands
    router = APIRouter(prefix="/teams", tags=["teams"])

    @router.post("", status_code=201)
    def create(new: NewTeam, command: Incoming, carried: Carried) -> Response:
        """Create a team; a deleted one is created again. 409: a live team has this id."""

        def effect(tx: Transaction) -> Response:
            fields = {"name": new.name, "event_id": new.event_id}
            team = teams.create(tx, new.id, fields)
            outbox.add(tx, "TeamCreated.v1", team, fields, carried)
            return team.answer(201)

        return commands.once(command, effect)

    @router.patch("/{key}")
    def rename(key: str, change: Renaming, command: Incoming, carried: Carried) -> Response:
        """Rename a team; its present name changes nothing. 404: unknown. 410: deleted. 412: another version."""

        def effect(tx: Transaction) -> Response:
            team, changed = teams.change(tx, key, command.condition, {"name": change.name})
            if changed:
                outbox.add(tx, "TeamRenamed.v1", team, {"name": change.name}, carried)
            return team.answer()

        return commands.once(command, effect)

    @router.delete("/{key}", status_code=204)
    def delete(key: str, command: Incoming, carried: Carried, still_in: EntityId | None = None) -> Response:
        """Delete a team. 404: unknown. 410: deleted. 412: another version, or another event than ``still_in``."""

        def effect(tx: Transaction) -> Response:
            check_still_in(teams.live(tx, key), still_in, stated=still_in is not None)
            outbox.add(tx, "TeamDeleted.v1", teams.delete(tx, key, command.condition), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    @router.get("")
    def page(
        after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100, event_id: str | None = None
    ) -> dict[str, object]:
        """Teams, all or those of one event, in the order of their ids; ``after``: last id of the page before."""
        having = {} if event_id is None else {"event_id": event_id}
        return {"items": [team.document for team in teams.page(after, limit, **having)]}

    @router.get("/{key}")
    def show(key: str) -> Response:
        """One team, with its version as ``ETag``. 404: unknown. 410: deleted."""
        return teams.get(key).answer()

    return router


TEAMS = OwnerService(source="/teams", routes=_routes)
