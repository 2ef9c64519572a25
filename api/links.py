"""Explicit links and unlinks: operations that wait until both sides exist."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api import codec
from api.keys import Operator
from api.operations import Operation, describe
from api.problems import IdempotencyMismatch
from api.reading import Key
from api.services import Has, Services
from errors import Conflict
from relationships.definition import Relationship
from store import operations
from store.credentials import Principal

router = APIRouter(tags=["links"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00]+$",
        description="The same key again answers with the operation that it started.",
    ),
]


class Link(BaseModel):
    """Whom to link; neither needs to be known yet."""

    model_config = ConfigDict(extra="forbid")

    parent: Key = Field(examples=["g1"])
    child: Key = Field(examples=["c1"])


_SCHEMA = Link.model_json_schema()
_BODY = 64 * 1024


async def wanted(request: Request) -> Link:
    """The body, which is read no further than a link can be long. Raises RequestValidationError, TooLarge."""
    try:
        return Link.model_validate_json(await codec.body(request, _BODY))
    except ValidationError as error:
        found = [{**e, "loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(found) from None


@router.post(
    "/relationships/{name}/links",
    status_code=202,
    summary="Link a child to a parent",
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}},
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
    try:
        row = await operations.start(
            has.pool,
            who.tenant,
            relationship,
            kind=kind,
            parent=parent,
            child=child,
            actor=who.name,
            idempotency_key=idempotency_key,
        )
    except Conflict as error:
        raise IdempotencyMismatch(str(error)) from None
    return describe(has, who.tenant, row)
