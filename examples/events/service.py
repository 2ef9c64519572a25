"""Events: owns festivals, cups, meetings, and tells what becomes of them. Who takes part is none of its business."""

from fastapi import APIRouter

from examples.owner.named import named
from examples.owner.service import Kit, OwnerService


def _routes(kit: Kit) -> APIRouter:
    return named(kit, "event")


EVENTS = OwnerService(source="/events", routes=_routes)
