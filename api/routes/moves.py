"""Moves of one child to another parent, which its owner decides."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import Operator
from api.http.dependencies import Has
from api.http.queries import Key
from api.http.requests import IdempotencyKey, described, read
from api.routes.operations import Operation, describe
from store.operations import moves

router = APIRouter(tags=["links"])


class Move(BaseModel):
    """Which child, and where to; neither needs to be known yet."""

    model_config = ConfigDict(extra="forbid")

    child: Key = Field(examples=["t1"])
    to: Key = Field(description="Key of the parent that it is to belong to.", examples=["e2"])


async def wanted(request: Request) -> Move:
    """The body. Raises RequestValidationError, TooLarge."""
    return await read(request, Move)


@router.post(
    "/relationships/{name}/moves",
    status_code=202,
    summary="Move a child to another parent",
    openapi_extra=described(Move),
)
async def move(
    name: str,
    who: Operator,
    move: Annotated[Move, Depends(wanted)],
    has: Has,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """Its owner is asked once both exist, if the child still is where it was; the owner's fact ends the operation.

    Until the owner was asked, a later move of the same child takes the place of an earlier one; after that it queues.
    Only where the relationship declares a command for it: see `move` in `GET /v1/relationships`.
    """
    relationship = has.catalog.relationship(name)
    row = await moves.start(
        has.pool,
        who.tenant,
        relationship,
        child=move.child,
        to=move.to,
        actor=who.name,
        idempotency_key=idempotency_key,
    )
    return describe(has, who.tenant, row)
