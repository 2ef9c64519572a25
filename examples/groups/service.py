"""Groups: the owner of groups and their members, which publishes facts about both. It does not know what else belongs
to a group."""

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
