"""Explicit links and unlinks: operations that wait until both sides exist."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.keys import Operator
from api.operations import Operation, describe
from api.reading import Key
from api.services import Has, Services
from api.starting import IdempotencyKey, described, read
from relationships.definition import Relationship
from store import linking
from store.credentials import Principal

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
    row = await linking.start(
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
