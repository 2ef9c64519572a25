"""Events: the owner of festivals, cups and meetings, which publishes facts about them. It does not know who takes part
in them."""

from fastapi import APIRouter

from examples.owner.named import named
from examples.owner.service import Kit, OwnerService


def _routes(kit: Kit) -> APIRouter:
    return named(kit, "event")


EVENTS = OwnerService(source="/events", routes=_routes)
