"""`POST /v1/entities/{kind}/{key}/voids`: takes one fact about an entity back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import Operator
from api.http.dependencies import Injected
from api.http.queries import KeyText
from api.http.requests import described, read
from facts import tokens
from store.operations import voids

router = APIRouter(tags=["entities"])


class NewVoid(BaseModel):
    """The fact to void, by its source and id, and why."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(min_length=1, max_length=512, examples=["/teams"])
    id: str = Field(min_length=1, max_length=1024, examples=["5b1f"])
    reason: str = Field(min_length=1, max_length=500, examples=["sent by a test with the year 2099"])


class FactIsVoid(BaseModel):
    """The fact is void."""

    token: str = Field(description="Names the revision that shows it; pass it as `at_least` to read your own write.")


async def new_void(request: Request) -> NewVoid:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewVoid)


@router.post(
    "/entities/{kind}/{key:key}/voids",
    status_code=202,
    openapi_extra=described(NewVoid),
    summary="Void a fact",
)
async def void(
    kind: str,
    key: Annotated[KeyText, Path()],
    who: Operator,
    body: Annotated[NewVoid, Depends(new_void)],
    deps: Injected,
) -> FactIsVoid:
    """Takes back one fact about an entity, such as one with a sequence or a time by mistake. The state is then what the
    other facts say. The fact stays in the ledger, and `FactVoided` beside it. Repeating the request has no effect."""
    deps.catalog.owner_of(kind)
    revision = await voids.void(
        deps.pool, deps.catalog, who.tenant, kind, deps.key(kind, key), body.source, body.id, body.reason, who.name
    )
    return FactIsVoid(token=tokens.token(who.tenant, revision))
