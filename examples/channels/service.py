"""Channels: owns channels, and tells what becomes of them. What a channel is for is none of its business.

Each change and the fact that tells of it are one transaction, run at most once per Idempotency-Key.
What a command carries in ``Correlation-Id`` goes unread into that fact: whoever asked knows its answer by it.
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


class NewChannel(BaseModel):
    """Body of ``POST /channels``."""

    name: Name
    id: Key = Field(default_factory=fresh_key, description="Chosen by the caller, or made here.")


class ChannelChange(BaseModel):
    """Body of ``PATCH /channels/{id}``."""

    name: Name


def _routes(kit: Kit) -> APIRouter:
    channels, outbox, commands = kit.entities, kit.outbox, kit.commands
    router = APIRouter(prefix="/channels", tags=["channels"])

    @router.post("", status_code=201)
    def create(new: NewChannel, command: Incoming, carried: Carried) -> Response:
        """Create a channel, or a deleted one anew. 409: there is one with this id."""

        def effect(tx: Transaction) -> Response:
            channel = channels.create(tx, new.id, {"name": new.name})
            outbox.tell(tx, "ChannelCreated.v1", channel, {"name": new.name}, carried)
            return JSONResponse(channel.document, 201)

        return commands.once(command, effect)

    @router.patch("/{key}")
    def rename(key: str, change: ChannelChange, command: Incoming, carried: Carried) -> Response:
        """Rename a channel; its present name changes nothing. 404, 410: no such channel, or no longer."""

        def effect(tx: Transaction) -> Response:
            channel, changed = channels.change(tx, key, {"name": change.name})
            if changed:
                outbox.tell(tx, "ChannelRenamed.v1", channel, {"name": change.name}, carried)
            return JSONResponse(channel.document)

        return commands.once(command, effect)

    @router.delete("/{key}", status_code=204)
    def delete(key: str, command: Incoming, carried: Carried) -> Response:
        """Delete a channel. 404, 410: no such channel, or no longer."""

        def effect(tx: Transaction) -> Response:
            outbox.tell(tx, "ChannelDeleted.v1", channels.delete(tx, key), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    @router.get("")
    def page(after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, object]:
        """Channels in the order of their ids; the next page begins ``after`` the last id of this one."""
        return {"items": [channel.document for channel in channels.page(after, limit)]}

    @router.get("/{key}")
    def show(key: str) -> dict[str, object]:
        """One channel. 404, 410: no such channel, or no longer."""
        return channels.get(key).document

    return router


CHANNELS = Owner(kind="channel", source="/channels", routes=_routes)
