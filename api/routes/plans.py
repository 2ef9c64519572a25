"""Plans: previews of what would be done to many children, and their execution."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.auth import Operator, Reader
from api.http.dependencies import Has
from api.http.queries import Key
from api.http.requests import IdempotencyKey, described, read
from api.routes.operations import Named, Operation, describe
from store.db import tokens
from store.operations import plans
from store.operations.plans import Wish

router = APIRouter(tags=["plans"])

MOST = 10_000
"""Children that a plan can name one by one."""
_BODY = 32 * 1024 * 1024  # so many of the longest keys, with every character escaped


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Deletion(_Strict):
    """An entity that is to be deleted."""

    kind: str = Field(min_length=1, max_length=64, examples=["event"])
    key: Key

    def wish(self) -> Wish:
        """For the store."""
        return Wish("delete", entity_kind=self.kind, key=self.key)


class Detachment(_Strict):
    """Children that are to be taken out of their parents."""

    relationship: str = Field(examples=["event_team"])
    parent: Key | None = Field(default=None, description="All children of this parent.")
    children: list[Key] = Field(default=[], max_length=MOST, description="Or these, wherever they belong.")

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.parent is None) == (not self.children):
            raise ValueError("name either the parent whose children are meant, or the children")
        return self

    def wish(self) -> Wish:
        """For the store."""
        return Wish("detach", relationship=self.relationship, parent=self.parent, children=_once(self.children))


class Move(_Strict):
    """Children that are to go to another parent."""

    relationship: str = Field(examples=["event_team"])
    from_: Key | None = Field(default=None, alias="from", description="All children of this parent.")
    to: Key = Field(description="Key of the parent that they are to belong to.")
    children: list[Key] = Field(default=[], max_length=MOST, description="Or these, wherever they belong.")

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.from_ is None) == (not self.children):
            raise ValueError("name either the parent whose children are meant as `from`, or the children")
        if self.from_ == self.to:
            raise ValueError("`from` and `to` are the same parent")
        return self

    def wish(self) -> Wish:
        """For the store."""
        children = _once(self.children)
        return Wish("move", relationship=self.relationship, parent=self.from_, to=self.to, children=children)


class Wanted(_Strict):
    """What is to be planned: exactly one of these."""

    delete: Deletion | None = None
    move: Move | None = None
    detach: Detachment | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.delete, self.move, self.detach)) != 1:
            raise ValueError("name exactly one of delete, move and detach")
        return self

    def wish(self) -> Wish:
        """For the store."""
        found = self.delete or self.move or self.detach
        assert found is not None
        return found.wish()


class Execution(_Strict):
    """How a plan is executed; without a body as if nothing were said."""

    appeared: Literal["refuse", "include"] = Field(
        default="refuse", description="Of a deletion: what becomes of children that have come since it was planned."
    )


class Part(BaseModel):
    """Children of one relationship, at one level, that are concerned."""

    model_config = ConfigDict(from_attributes=True)

    relationship: str
    parent_kind: str
    child_kind: str
    owner: str = Field(description="Whose the children are.")
    command: str = Field(description="What the owner would be asked for each of them; empty: nothing.")
    policy: str = Field(description="Of a deletion: what the relationship says of children whose parent is gone.")
    children: int
    sample: list[str] = Field(description="Some of them.")


class Change(BaseModel):
    """Children of one relationship that make the difference."""

    model_config = ConfigDict(from_attributes=True)

    relationship: str
    count: int
    sample: list[str] = Field(description="Some of them.")


class Plan(BaseModel):
    """What would be done, as of one revision."""

    id: str
    kind: Literal["delete", "move", "detach"]
    entity: Named | None = Field(description="Of a deletion: what is to go.")
    relationship: str | None = Field(description="Of a move or a detachment.")
    parent: str | None = Field(description="Of a move or a detachment: the parent whose children are meant.")
    to: str | None = Field(description="Of a move: where to.")
    named: int = Field(description="Children that were named one by one; 0: all are meant.")
    token: str = Field(description="The revision that it is as of.")
    hash: str = Field(description="SHA-256 over exactly what it names: another set has another hash.")
    created: datetime
    actor: str
    operation: str | None = Field(description="The operation that executed it; null: nobody did.")
    parts: list[Part]
    restricted: list[str] = Field(description="Why it cannot be executed, in sentences; empty: it can.")
    appeared: list[Change] = Field(description="What has come since, and is not in it.")
    vanished: list[Change] = Field(description="What is in it, and has left since.")


async def wanted(request: Request) -> Wanted:
    """The body. Raises RequestValidationError, TooLarge."""
    return await read(request, Wanted, limit=_BODY)


async def executed(request: Request) -> Execution:
    """The body, which may be left out. Raises RequestValidationError, TooLarge."""
    return await read(request, Execution, empty=Execution())


@router.post("/plans", status_code=201, summary="See what would be done", openapi_extra=described(Wanted))
async def create(who: Operator, wanted: Annotated[Wanted, Depends(wanted)], has: Has) -> Plan:
    """Nothing is done. The plan is of the revision that it was made at, and stays so: `hash` stands for its set."""
    wish = wanted.wish()
    if wish.relationship is not None:
        has.catalog.relationship(wish.relationship)
    if wish.entity_kind is not None:
        has.catalog.owner_of(wish.entity_kind)
    return _shown(who.tenant, await plans.create(has.pool, has.catalog, who.tenant, wish, who.name))


@router.get("/plans/{id}", summary="A plan, and what has changed since")
async def plan(id: Key, who: Reader, has: Has) -> Plan:
    """As it was made, with what has appeared and what has vanished by now."""
    return _shown(who.tenant, await plans.find(has.pool, has.catalog, who.tenant, id))


@router.post(
    "/plans/{id}/execution",
    status_code=202,
    summary="Do what was planned",
    openapi_extra=described(Execution, required=False),
)
async def execute(
    id: Key,
    who: Operator,
    execution: Annotated[Execution, Depends(executed)],
    has: Has,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """Execution touches exactly the children that the plan names. A child that has left since is spared.

    For moves and detachments what has come since is left alone; a deletion with newcomers is refused unless `appeared`
    is `include`: they then follow their relationship's policy, as late arrivals do. A plan is executed once.
    """
    row = await plans.execute(
        has.pool,
        has.catalog,
        who.tenant,
        id,
        include_appeared=execution.appeared == "include",
        actor=who.name,
        idempotency_key=idempotency_key,
    )
    return describe(has, who.tenant, row)


def _once(keys: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))


def _shown(tenant: str, found: plans.Plan) -> Plan:
    wish = found.wish
    entity = None
    if wish.entity_kind is not None and wish.key is not None:
        entity = Named(kind=wish.entity_kind, key=wish.key)
    return Plan.model_validate(
        {
            "id": found.id,
            "kind": found.kind,
            "entity": entity,
            "relationship": wish.relationship,
            "parent": wish.parent,
            "to": wish.to,
            "named": len(wish.children),
            "token": tokens.token(tenant, found.revision),
            "hash": found.hash,
            "created": found.created,
            "actor": found.actor,
            "operation": found.operation,
            "parts": found.parts,
            "restricted": found.restricted,
            "appeared": found.appeared,
            "vanished": found.vanished,
        }
    )
