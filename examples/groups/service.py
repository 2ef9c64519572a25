"""Groups: owns groups, and tells what becomes of them. What belongs to a group is none of its business.

Each change and the fact that tells of it are one transaction, run at most once per Idempotency-Key.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.entities import Key, Name, fresh_key
from examples.owner.idempotency import Incoming
from examples.owner.service import Kit, Owner


class NewGroup(BaseModel):
    """Body of ``POST /groups``."""

    name: Name
    id: Key = Field(default_factory=fresh_key, description="Chosen by the caller, or made here.")


class GroupChange(BaseModel):
    """Body of ``PATCH /groups/{id}``."""

    name: Name


def _routes(kit: Kit) -> APIRouter:
    groups, outbox, commands = kit.entities, kit.outbox, kit.commands
    router = APIRouter(prefix="/groups", tags=["groups"])

    @router.post("", status_code=201)
    def create(new: NewGroup, command: Incoming, carried: Carried) -> Response:
        """Create a group, or a deleted one anew. 409: there is one with this id."""

        def effect(tx: Transaction) -> Response:
            group = groups.create(tx, new.id, {"name": new.name})
            outbox.tell(tx, "GroupCreated.v1", group, {"name": new.name}, carried)
            return JSONResponse(group.document, 201)

        return commands.once(command, effect)

    @router.patch("/{key}")
    def rename(key: str, change: GroupChange, command: Incoming, carried: Carried) -> Response:
        """Rename a group; its present name changes nothing. 404, 410: no such group, or no longer."""

        def effect(tx: Transaction) -> Response:
            group, changed = groups.change(tx, key, {"name": change.name})
            if changed:
                outbox.tell(tx, "GroupRenamed.v1", group, {"name": change.name}, carried)
            return JSONResponse(group.document)

        return commands.once(command, effect)

    @router.delete("/{key}", status_code=204)
    def delete(key: str, command: Incoming, carried: Carried) -> Response:
        """Delete a group. 404, 410: no such group, or no longer."""

        def effect(tx: Transaction) -> Response:
            outbox.tell(tx, "GroupDeleted.v1", groups.delete(tx, key), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    @router.get("")
    def page(after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, object]:
        """Groups in the order of their ids; the next page begins ``after`` the last id of this one."""
        return {"items": [group.document for group in groups.page(after, limit)]}

    @router.get("/{key}")
    def show(key: str) -> dict[str, object]:
        """One group. 404, 410: no such group, or no longer."""
        return groups.get(key).document

    return router


GROUPS = Owner(kind="group", source="/groups", routes=_routes)
