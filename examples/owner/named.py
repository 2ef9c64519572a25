"""Endpoints of entities with a name: groups, channels, events.

Each change and the fact about it are written in one transaction, which runs at most once per Idempotency-Key. The
header ``Correlation-Id`` of a command is copied unread into that fact, by which the client recognises it.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.entities import EntityId, Name, fresh_key
from examples.owner.idempotency import Incoming
from examples.owner.service import Kit


class New(BaseModel):
    """Body of ``POST``."""

    name: Name
    id: EntityId = Field(default_factory=fresh_key, description="Chosen by the caller, or generated.")


class NameChange(BaseModel):
    """Body of ``PATCH``."""

    name: Name


def named(kit: Kit, kind: str) -> APIRouter:
    """Endpoints below ``/groups`` for the kind ``group``, which publish GroupCreated, GroupRenamed, GroupDeleted."""
    entities, outbox, commands, fact = kit.of(kind), kit.outbox, kit.commands, kind.title()
    router = APIRouter(prefix=f"/{kind}s", tags=[f"{kind}s"])

    @router.post("", status_code=201)
    def create(new: New, command: Incoming, carried: Carried) -> Response:
        """Create one; a deleted one is created again. 409: a live one has this id."""

        def effect(tx: Transaction) -> Response:
            entity = entities.create(tx, new.id, {"name": new.name})
            outbox.add(tx, f"{fact}Created.v1", entity, {"name": new.name}, carried)
            return entity.answer(201)

        return commands.once(command, effect)

    @router.patch("/{key}")
    def rename(key: str, change: NameChange, command: Incoming, carried: Carried) -> Response:
        """Rename one; its present name changes nothing. 404: unknown. 410: deleted. 412: another version."""

        def effect(tx: Transaction) -> Response:
            entity, changed = entities.change(tx, key, command.condition, {"name": change.name})
            if changed:
                outbox.add(tx, f"{fact}Renamed.v1", entity, {"name": change.name}, carried)
            return entity.answer()

        return commands.once(command, effect)

    @router.delete("/{key}", status_code=204)
    def delete(key: str, command: Incoming, carried: Carried) -> Response:
        """Delete one. 404: unknown. 410: deleted. 412: another version than ``If-Match``."""

        def effect(tx: Transaction) -> Response:
            outbox.add(tx, f"{fact}Deleted.v1", entities.delete(tx, key, command.condition), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    @router.get("")
    def page(after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, object]:
        """All live ones, in the order of their ids; ``after``: last id of the page before."""
        return {"items": [entity.document for entity in entities.page(after, limit)]}

    @router.get("/{key}")
    def show(key: str) -> Response:
        """One, with its version as ``ETag``. 404: unknown. 410: deleted."""
        return entities.get(key).answer()

    return router
