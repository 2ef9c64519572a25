"""`POST /v1/entities/{kind}/merges/batch`, and its preview: many merges, each with an outcome of its own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.http.auth import Operator
from api.http.dependencies import Dependencies, Injected
from api.http.requests import described, read
from api.routes.merges import MergeOrder
from errors import Conflict
from facts import tokens
from messages.operation_reasons import EndReason, describe_reason
from store.operations import merge_batches
from store.operations.merge_batches import MergeOutcomes
from store.operations.merge_checks import NewMerge

router = APIRouter(tags=["merges"])

MOST = 1_000
"""Maximum number of merges of one request."""
_MAX_BODY = 8 * 1024 * 1024  # bytes

Because = Literal["malformed", "forbidden", "cardinality", "id_used"]
_BECAUSE: dict[str, Because] = {
    "pair_forbidden": "forbidden",
    "cardinality": "cardinality",
    "merge_id_used": "id_used",
}


class BatchedMerge(MergeOrder):
    """One merge of many."""

    id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Names the merge: the same id again has no effect. Without one, the same merge has none while "
        "it is in force.",
    )


class MergeBatch(BaseModel):
    """Merges of one kind, in the order in which they are decided."""

    model_config = ConfigDict(extra="forbid")

    merges: list[Any] = Field(
        min_length=1,
        max_length=MOST,
        description="Objects with `survivor`, `losers`, and optionally `reason` and `id`. One that is malformed is "
        "refused, and harms no other.",
        examples=[[{"survivor": "p1", "losers": ["p2"], "reason": "same e-mail", "id": "row-1"}]],
    )


class RefusedMerge(BaseModel):
    """A merge that is not recorded."""

    index: int = Field(description="Position in the request, from 0.")
    because: Because = Field(description="`cardinality`: an entity would be linked twice where one link is allowed.")
    reason: str
    path: list[str] | None = Field(
        description="`forbidden`: the keys on the way between two that must never be merged."
    )


class MergesRecorded(BaseModel):
    """The outcome of each merge: those that are in neither list are merged, or would be."""

    token: str = Field(description="The revision that shows them; of a preview: that it was made of.")
    operation: str | None = Field(
        description="Counts what they have conserved, and lets the owner retire losers; null: nothing was recorded."
    )
    merged: int = Field(description="How many are merged, or would be.")
    already: list[int] = Field(
        description="Positions of those that change nothing: they are merged already, or were recorded under their id "
        "before, even if they are undone since."
    )
    refused: list[RefusedMerge]


class _Parsed(NamedTuple):
    """The merges of a request by their position; of those that are malformed, the reason."""

    merges: dict[int, BatchedMerge]
    malformed: dict[int, str]


async def merge_batch(request: Request) -> MergeBatch:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, MergeBatch, limit=_MAX_BODY)


Body = Annotated[MergeBatch, Depends(merge_batch)]


@router.post(
    "/entities/{kind}/merges/batch", status_code=200, summary="Merge many", openapi_extra=described(MergeBatch)
)
async def merge_many(kind: str, who: Operator, body: Body, deps: Injected) -> MergesRecorded:
    """Records up to 1,000 merges in one transaction, each with an outcome of its own: one that would be refused alone
    is refused, and harms no other. They are decided in their order.

    Each is a merge of its own (`GET /v1/merges/{id}`), which can be undone alone. One operation begins for all that are
    recorded: it counts what they have conserved, then lets the owner retire the losers, if the kind declares a command
    for it.
    """
    parsed = _parse(body.merges)
    outcomes = await merge_batches.run(deps.pool, deps.catalog, who.tenant, kind, _new(deps, kind, parsed), who.name)
    return _recorded(who.tenant, parsed, outcomes)


@router.post(
    "/entities/{kind}/merges/batch/plan",
    status_code=200,
    summary="Preview many merges",
    openapi_extra=described(MergeBatch),
)
async def plan_many(kind: str, who: Operator, body: Body, deps: Injected) -> MergesRecorded:
    """Which of these merges would be recorded now, and why others would be refused. Nothing is changed."""
    parsed = _parse(body.merges)
    outcomes = await merge_batches.preview(deps.pool, deps.catalog, who.tenant, kind, _new(deps, kind, parsed))
    return _recorded(who.tenant, parsed, outcomes)


def _parse(merges: Sequence[Any]) -> _Parsed:
    parsed = _Parsed({}, {})
    for index, one in enumerate(merges):
        try:
            parsed.merges[index] = BatchedMerge.model_validate(one)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))
            said = first["msg"].removeprefix("Value error, ")
            parsed.malformed[index] = f"{where}: {said}" if where else said
    return parsed


def _new(deps: Dependencies, kind: str, parsed: _Parsed) -> list[NewMerge]:
    """The merges as the store's value objects; those that name one key twice in two spellings are malformed."""
    found = []
    for index, one in [*parsed.merges.items()]:
        try:
            found.append(replace(one.request(deps, kind), id=one.id or uuid4().hex))
        except Conflict as error:
            parsed.malformed[index] = str(error)
            del parsed.merges[index]
    return found


def _recorded(tenant: str, parsed: _Parsed, outcomes: MergeOutcomes) -> MergesRecorded:
    places = [*parsed.merges]
    refused = [_malformed(index, reason) for index, reason in parsed.malformed.items()]
    refused += [_refused(places[at], reason) for at, reason in outcomes.refused.items()]
    return MergesRecorded(
        token=tokens.token(tenant, outcomes.revision),
        operation=outcomes.operation,
        merged=len(outcomes.merged),
        already=[places[at] for at in outcomes.already],
        refused=sorted(refused, key=lambda one: one.index),
    )


def _malformed(index: int, reason: str) -> RefusedMerge:
    return RefusedMerge(index=index, because="malformed", reason=reason, path=None)


def _refused(index: int, reason: EndReason) -> RefusedMerge:
    path = reason.details["path"] if reason.code == "pair_forbidden" else None
    return RefusedMerge(index=index, because=_BECAUSE[reason.code], reason=describe_reason(reason), path=path)
