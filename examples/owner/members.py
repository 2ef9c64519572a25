"""Endpoints of memberships of groups or channels. The service does not check whether a user exists.

A membership is an entity with the id ``group/user``. It outlives its group: the service deletes only what it is
requested to delete, and Tether requests the deletion of memberships.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.entities import EntityId
from examples.owner.idempotency import Incoming
from examples.owner.service import Kit


class NewMember(BaseModel):
    """Body of ``POST``."""

    user: EntityId


def members(kit: Kit, kind: str) -> APIRouter:
    """Endpoints below ``/groups/{id}/members`` for the kind ``group``; publish GroupMemberAdded, GroupMemberRemoved."""
    wholes, entities, outbox, commands = kit.of(kind), kit.of(f"{kind}_member"), kit.outbox, kit.commands
    fact = f"{kind.title()}Member"
    router = APIRouter(prefix=f"/{kind}s/{{whole}}/members", tags=["members"])

    @router.post("", status_code=201)
    def add(whole: str, new: NewMember, command: Incoming, carried: Carried) -> Response:
        """Add a user; 200 and no change if it is a member already. 404, 410: the group is unknown or deleted."""

        def effect(tx: Transaction) -> Response:
            key, fields = f"{wholes.live(tx, whole).id}/{new.user}", {kind: whole, "user": new.user}
            if (found := entities.find(tx, key)) is not None:
                return found.answer()
            member = entities.create(tx, key, fields)
            outbox.add(tx, f"{fact}Added.v1", member, fields, carried)
            return member.answer(201)

        return commands.once(command, effect)

    @router.delete("/{user}", status_code=204)
    def remove(whole: str, user: str, command: Incoming, carried: Carried) -> Response:
        """Remove a user, also from a deleted group. 404: never a member. 410: removed already. 412: another version."""

        def effect(tx: Transaction) -> Response:
            member = entities.delete(tx, f"{whole}/{user}", command.condition)
            outbox.add(tx, f"{fact}Removed.v1", member, {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    @router.get("")
    def page(whole: str, after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, object]:
        """Members, also of a deleted group, in the order of their ids; ``after``: last id of the page before.

        404: the group never existed.
        """
        if wholes.trace(whole) is None:
            wholes.get(whole)
        first, last = f"{whole}/", f"{whole}0"  # "0" comes right after "/"
        return {"items": [member.document for member in entities.page(max(after, first), limit, last)]}

    return router
