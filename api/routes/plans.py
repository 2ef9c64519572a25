"""Plans: previews of deletions and of moves or detachments of many children, and their execution."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.auth import Operator, Reader
from api.http.dependencies import Injected
from api.http.queries import KeyText, NewKey
from api.http.requests import IdempotencyKey, described, read
from api.routes.operations import Named, Operation, describe
from facts import tokens
from messages.operation_reasons import describe_reason
from store.operations import plans
from store.operations.plans import PlanRequest, StoredPlan

router = APIRouter(tags=["plans"])

MOST = 10_000
"""Maximum number of children that one plan can list by key."""
_MAX_BODY = 32 * 1024 * 1024  # bytes: MOST keys of the greatest length, every character escaped


class _RequestBody(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PlannedDeletion(_RequestBody):
    """The entity to delete."""

    kind: str = Field(min_length=1, max_length=64, examples=["event"])
    key: NewKey

    def request(self) -> PlanRequest:
        """The same request as the store's value object."""
        return PlanRequest("delete", entity_kind=self.kind, key=self.key)


class PlannedDetachment(_RequestBody):
    """The children to detach from their parents: all of one parent, or a list of them."""

    relationship: str = Field(examples=["event_team"])
    parent: KeyText | None = Field(default=None, description="Selects all children of this parent.")
    children: list[KeyText] = Field(
        default=[], max_length=MOST, description="Selects these children, whichever their parents are."
    )

    @model_validator(mode="after")
    def _check_selection(self) -> Self:
        if (self.parent is None) == (not self.children):
            raise ValueError("give either `parent`, for all of its children, or `children`, not both")
        return self

    def request(self) -> PlanRequest:
        """The same request as the store's value object."""
        return PlanRequest(
            "detach", relationship=self.relationship, parent=self.parent, children=_distinct(self.children)
        )


class PlannedMove(_RequestBody):
    """The children to move to another parent: all of one parent, or a list of them."""

    relationship: str = Field(examples=["event_team"])
    from_: KeyText | None = Field(default=None, alias="from", description="Selects all children of this parent.")
    to: NewKey = Field(description="Key of the target parent.")
    children: list[KeyText] = Field(
        default=[], max_length=MOST, description="Selects these children, whichever their parents are."
    )

    @model_validator(mode="after")
    def _check_selection(self) -> Self:
        if (self.from_ is None) == (not self.children):
            raise ValueError("give either `from`, for all children of that parent, or `children`, not both")
        if self.from_ == self.to:
            raise ValueError("`from` and `to` are the same parent; give two different ones")
        return self

    def request(self) -> PlanRequest:
        """The same request as the store's value object."""
        children = _distinct(self.children)
        return PlanRequest("move", relationship=self.relationship, parent=self.from_, to=self.to, children=children)


class NewPlan(_RequestBody):
    """The body of `POST /v1/plans`: exactly one of the three actions."""

    delete: PlannedDeletion | None = None
    move: PlannedMove | None = None
    detach: PlannedDetachment | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(one is not None for one in (self.delete, self.move, self.detach)) != 1:
            raise ValueError("give exactly one of `delete`, `move` and `detach`")
        return self

    def request(self) -> PlanRequest:
        """The same request as the store's value object."""
        action = self.delete or self.move or self.detach
        assert action is not None
        return action.request()


class PlanExecution(_RequestBody):
    """The body of `POST /v1/plans/{id}/execution`; no body stands for the defaults."""

    appeared: Literal["refuse", "include"] = Field(
        default="refuse",
        description="For a deletion that would affect children which have come since the plan was made: `refuse` the "
        "execution, or `include` them.",
    )


class PlanPart(BaseModel):
    """The affected children of one relationship, on all levels of the cascade."""

    model_config = ConfigDict(from_attributes=True)

    relationship: str
    parent_kind: str
    child_kind: str
    owner: str = Field(description="Owner of the children.")
    command: str = Field(description="Command that the owner would be sent for each child; empty: none.")
    policy: str = Field(description="Only for a deletion: the policy `on_parent_deleted` of the relationship.")
    children: int
    sample: list[str] = Field(description="Keys of up to five of them.")


class PlanChange(BaseModel):
    """Children of one relationship by which the affected set has changed since the plan was made."""

    model_config = ConfigDict(from_attributes=True)

    relationship: str
    count: int
    sample: list[str] = Field(description="Keys of up to five of them.")


class Plan(BaseModel):
    """A preview of an operation, as of one revision."""

    id: str
    kind: Literal["delete", "move", "detach"]
    entity: Named | None = Field(description="Only for a deletion: the entity to delete.")
    relationship: str | None = Field(description="Only for a move or a detachment.")
    parent: str | None = Field(
        description="Only for a move or a detachment: the parent all of whose children are selected."
    )
    to: str | None = Field(description="Only for a move: the target parent.")
    listed_children: int = Field(description="Number of children that were listed by key; 0: all children of `parent`.")
    token: str = Field(description="The revision of which the preview was made.")
    hash: str = Field(
        description="SHA-256 of the request, the revision and the exact set of affected children, in hex."
    )
    created: datetime
    actor: str
    operation: str | None = Field(description="The operation that executes the plan; null: it was not executed.")
    deleted: int | None = Field(
        description="Only for a deletion: number of entities that would be deleted with this one. Each counts once, "
        "also if several relationships lead to it."
    )
    parts: list[PlanPart]
    restricted: list[str] = Field(
        description="Why the plan cannot be executed, one sentence per reason; empty: it can."
    )
    appeared: list[PlanChange] = Field(
        description="Children that joined the affected set after the plan was made; they are not part of the plan."
    )
    vanished: list[PlanChange] = Field(description="Children of the plan that have left the affected set since.")


async def new_plan(request: Request) -> NewPlan:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewPlan, limit=_MAX_BODY)


async def execution_options(request: Request) -> PlanExecution:
    """Reads the body, which is optional. Raises RequestValidationError, TooLarge."""
    return await read(request, PlanExecution, empty=PlanExecution())


@router.post("/plans", status_code=201, summary="Preview an operation", openapi_extra=described(NewPlan))
async def create(who: Operator, body: Annotated[NewPlan, Depends(new_plan)], deps: Injected) -> Plan:
    """Computes which children the operation would affect, and changes nothing. The plan is bound to the revision at
    which it was made; `hash` identifies the exact set."""
    request = body.request().in_form(deps.catalog)
    if request.entity_kind is not None:
        deps.catalog.owner_of(request.entity_kind)
    return _plan_body(who.tenant, await plans.create(deps.pool, deps.catalog, who.tenant, request, who.name))


@router.get("/plans/{id}", summary="Get a plan, with the changes since it was made")
async def plan(id: KeyText, who: Reader, deps: Injected) -> Plan:
    """The plan as it was made; `appeared` and `vanished` list the changes until now."""
    return _plan_body(who.tenant, await plans.find(deps.pool, deps.catalog, who.tenant, id))


@router.post(
    "/plans/{id}/execution",
    status_code=202,
    summary="Execute a plan",
    openapi_extra=described(PlanExecution, required=False),
)
async def execute(
    id: KeyText,
    who: Operator,
    execution: Annotated[PlanExecution, Depends(execution_options)],
    deps: Injected,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """Execution touches exactly the children that the plan names. A child that has left its parent since is skipped.

    Moves and detachments ignore children that have joined the parent since. A deletion is refused if there are such
    children, unless `appeared` is `include`: the policy of their relationship then applies to them, as it does to
    children that arrive after the deletion. A plan can be executed once.
    """
    row = await plans.execute(
        deps.pool,
        deps.catalog,
        who.tenant,
        id,
        include_appeared=execution.appeared == "include",
        actor=who.name,
        idempotency_key=idempotency_key,
    )
    return describe(deps, who.tenant, row)


def _distinct(keys: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))


def _plan_body(tenant: str, stored: StoredPlan) -> Plan:
    request = stored.request
    entity = None
    if request.entity_kind is not None and request.key is not None:
        entity = Named(kind=request.entity_kind, key=request.key)
    return Plan.model_validate(
        {
            "id": stored.id,
            "kind": stored.kind,
            "entity": entity,
            "relationship": request.relationship,
            "parent": request.parent,
            "to": request.to,
            "listed_children": len(request.children),
            "token": tokens.token(tenant, stored.revision),
            "hash": stored.hash,
            "created": stored.created,
            "actor": stored.actor,
            "operation": stored.operation,
            "deleted": stored.deleted,
            "parts": stored.parts,
            "restricted": [why if isinstance(why, str) else describe_reason(why) for why in stored.restricted],
            "appeared": stored.appeared,
            "vanished": stored.vanished,
        }
    )
