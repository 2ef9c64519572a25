"""Groups: owns groups and who is in them, and tells what becomes of them. What else belongs to a group is none of its
business."""

from fastapi import APIRouter

from examples.owner.members import members
from examples.owner.named import named
from examples.owner.service import Kit, OwnerService


def _routes(kit: Kit) -> APIRouter:
    router = APIRouter()
    router.include_router(named(kit, "group"))
    router.include_router(members(kit, "group"))
    return router


GROUPS = OwnerService(source="/groups", routes=_routes)
