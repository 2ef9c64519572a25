"""Channels: owns channels and who is in them, and tells what becomes of them. What a channel is for is none of its
business."""

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
