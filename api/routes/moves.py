"""`POST …/moves`: moves of one child to another parent, which the child's owner carries out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import Operator
from api.http.dependencies import Injected
from api.http.queries import NewKey
from api.http.requests import IdempotencyKey, described, read
from api.routes.operations import Operation, describe
from store.operations import moves

router = APIRouter(tags=["links"])


class NewMove(BaseModel):
    """The child and its target parent; neither needs to exist yet."""

    model_config = ConfigDict(extra="forbid")

    child: NewKey = Field(examples=["t1"])
    to: NewKey = Field(description="Key of the target parent.", examples=["e2"])


async def new_move(request: Request) -> NewMove:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewMove)


@router.post(
    "/relationships/{name}/moves",
    status_code=202,
    summary="Move a child to another parent",
    openapi_extra=described(NewMove),
)
async def move(
    name: str,
    who: Operator,
    body: Annotated[NewMove, Depends(new_move)],
    deps: Injected,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """Requests the move from the child's owner once child and target exist; the owner's fact confirms it.

    The command names the parent that the child has then, and the owner refuses it if the child has another one.
    A later move of the same child supersedes an earlier one that was not requested yet, and waits for one that was.
    Possible if the relationship declares a command for it: see `move` in `GET /v1/relationships`.
    """
    relationship = deps.catalog.relationship(name)
    row = await moves.start(
        deps.pool,
        who.tenant,
        relationship,
        child=deps.key(relationship.child, body.child),
        to=deps.key(relationship.parent, body.to),
        actor=who.name,
        idempotency_key=idempotency_key,
    )
    return describe(deps, who.tenant, row)
