"""Explicit links and unlinks: operations that wait until both sides exist."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import Operator
from api.http.dependencies import Has, Services
from api.http.queries import Key
from api.http.requests import IdempotencyKey, described, read
from api.routes.operations import Operation, describe
from catalog.relationship import Relationship
from store.db.credentials import Principal
from store.operations import links

router = APIRouter(tags=["links"])


class Link(BaseModel):
    """Whom to link; neither needs to be known yet."""

    model_config = ConfigDict(extra="forbid")

    parent: Key = Field(examples=["g1"])
    child: Key = Field(examples=["c1"])


async def wanted(request: Request) -> Link:
    """The body. Raises RequestValidationError, TooLarge."""
    return await read(request, Link)


@router.post(
    "/relationships/{name}/links",
    status_code=202,
    summary="Link a child to a parent",
    openapi_extra=described(Link),
)
async def link(
    name: str,
    who: Operator,
    link: Annotated[Link, Depends(wanted)],
    has: Has,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """Waits until both exist, or until the relationship's deadline; holds until the child's owner says otherwise."""
    relationship = has.catalog.relationship(name)
    return await _start(has, who, relationship, "link", link.parent, link.child, idempotency_key)


@router.delete("/relationships/{name}/links/{child:path}", status_code=202, summary="Unlink a child")
async def unlink(
    name: str,
    child: Key,
    who: Operator,
    has: Has,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """The child belongs to nobody until its owner, or another link, says otherwise."""
    relationship = has.catalog.relationship(name)
    return await _start(has, who, relationship, "unlink", None, child, idempotency_key)


async def _start(
    has: Services,
    who: Principal,
    relationship: Relationship,
    kind: str,
    parent: str | None,
    child: str,
    idempotency_key: str | None,
) -> Operation:
    row = await links.start(
        has.pool,
        who.tenant,
        relationship,
        kind=kind,
        parent=parent,
        child=child,
        actor=who.name,
        idempotency_key=idempotency_key,
    )
    return describe(has, who.tenant, row)
