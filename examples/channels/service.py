"""Channels: the owner of channels and their members, which publishes facts about both. It does not know what a channel
is used for."""

from fastapi import APIRouter

from examples.owner.members import members
from examples.owner.named import named
from examples.owner.service import Kit, OwnerService


def _routes(kit: Kit) -> APIRouter:
    router = APIRouter()
    router.include_router(named(kit, "channel"))
    router.include_router(members(kit, "channel"))
    return router


CHANNELS = OwnerService(source="/channels", routes=_routes)
