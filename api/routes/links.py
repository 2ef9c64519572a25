"""Explicit links and unlinks, which an operator requests."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import Operator
from api.http.dependencies import Dependencies, Injected
from api.http.queries import KeyText, NewKey
from api.http.requests import IdempotencyKey, described, read
from api.routes.operations import Operation, describe
from catalog.relationship import Relationship
from store.db.credentials import Principal
from store.operations import links
from store.operations.operation_row import OperationKind

router = APIRouter(tags=["links"])


class NewLink(BaseModel):
    """The entities to link; neither needs to exist yet."""

    model_config = ConfigDict(extra="forbid")

    parent: NewKey = Field(examples=["g1"])
    child: NewKey = Field(examples=["c1"])


async def new_link(request: Request) -> NewLink:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewLink)


@router.post(
    "/relationships/{name}/links",
    status_code=202,
    summary="Link a child to a parent",
    openapi_extra=described(NewLink),
)
async def link(
    name: str,
    who: Operator,
    body: Annotated[NewLink, Depends(new_link)],
    deps: Injected,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """Links them once both exist; expires at the relationship's deadline. The link stays until a fact of the child's
    owner, another link or an unlink changes it."""
    relationship = deps.catalog.relationship(name)
    return await _start(deps, who, relationship, "link", body.parent, body.child, idempotency_key)


@router.delete("/relationships/{name}/links/{child:key}", status_code=202, summary="Unlink a child")
async def unlink(
    name: str,
    child: KeyText,
    who: Operator,
    deps: Injected,
    idempotency_key: IdempotencyKey = None,
    parent: Annotated[KeyText | None, Query(description="Many to many: from which parent; needed there.")] = None,
) -> Operation:
    """The child has no parent until a fact of its owner or another link gives it one; many to many: not this one, until
    a later fact about the list."""
    relationship = deps.catalog.relationship(name)
    parent = parent if relationship.many else None
    return await _start(deps, who, relationship, "unlink", parent, child, idempotency_key)


async def _start(
    deps: Dependencies,
    who: Principal,
    relationship: Relationship,
    kind: OperationKind,
    parent: str | None,
    child: str,
    idempotency_key: str | None,
) -> Operation:
    row = await links.start(
        deps.pool,
        who.tenant,
        relationship,
        kind=kind,
        parent=None if parent is None else deps.key(relationship.parent, parent),
        child=deps.key(relationship.child, child),
        actor=who.name,
        idempotency_key=idempotency_key,
    )
    return describe(deps, who.tenant, row)
