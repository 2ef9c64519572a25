"""`POST /v1/entities/{kind}/merges` and `/v1/merges…`: merges of records, their preview, their proof and their undo."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.auth import Operator, Reader
from api.http.dependencies import Dependencies, Injected
from api.http.paging import Cursor, Limit, Listing
from api.http.queries import KeyText, NewKey
from api.http.requests import IdempotencyKey, described, read
from api.routes.operations import Operation, describe
from errors import Conflict
from facts import tokens
from store.db.snapshot import snapshot
from store.operations import merge_undo, merges
from store.operations.merge_checks import NewMerge
from store.operations.operation_row import OPEN
from store.read import merges as listed
from store.read.merges import ListedMerge

router = APIRouter(tags=["merges"])

MOST = 1_000
"""Maximum number of losers of one request."""
_MAX_BODY = 8 * 1024 * 1024  # bytes: MOST keys of the greatest length, every character escaped
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND

ReasonText = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$", description="Why, for people.")]


class MergeOrder(BaseModel):
    """Records of one kind that are the same; none of them needs to exist yet."""

    model_config = ConfigDict(extra="forbid")

    survivor: NewKey = Field(description="Key that is to remain; the rule of the kind decides.", examples=["p1"])
    losers: list[NewKey] = Field(min_length=1, max_length=MOST, examples=[["p2", "p3"]])
    reason: ReasonText = ""

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        if self.survivor in self.losers:
            raise ValueError(f"{self.survivor!r} is the survivor and among the losers; leave it out of `losers`")
        if len(set(self.losers)) < len(self.losers):
            twice = next(key for key in self.losers if self.losers.count(key) > 1)
            raise ValueError(f"{twice!r} is twice among the losers; name each once")
        return self

    def request(self, deps: Dependencies, kind: str) -> NewMerge:
        """The same request as the store's value object. Raises Conflict if the survivor is among the losers in another
        spelling."""
        survivor, losers = (deps.key(kind, self.survivor), dict.fromkeys(deps.key(kind, one) for one in self.losers))
        if survivor in losers:
            raise Conflict(f"{survivor!r} is the survivor and, in another spelling, among the losers")
        return NewMerge("", kind, survivor, tuple(losers), self.reason)


class MergeUndo(BaseModel):
    """What to undo; no body stands for all of it."""

    model_config = ConfigDict(extra="forbid")

    only: list[KeyText] = Field(default=[], max_length=MOST, description="Only these losers; empty: all.")
    reason: ReasonText = ""


class MergedLoser(BaseModel):
    """One pair of a merge as it is now."""

    loser: str
    state: Literal["requested", "merged", "set_aside", "undone", "not_merged"] = Field(
        description="`requested`: not recorded yet. `set_aside`: it would join two keys that must never be merged. "
        "`not_merged`: the merge was refused or cancelled."
    )
    path: list[str] | None = Field(description="Of a pair that is set aside: the keys on the way between those two.")


class Merge(BaseModel):
    """A merge: that of a request, or that of a fact of an owner."""

    id: str = Field(description="Of one that was requested: the id of its operation.")
    kind: str
    survivor: str = Field(description="As it was named; the rule of the kind decides which key remains.")
    losers: list[MergedLoser]
    reason: str
    created: datetime
    source: str | None = Field(description="Source of its fact; `/tether`: it was requested through the API.")
    fact: str | None = Field(description="Id of its first fact.")
    actor: str | None = Field(description="Name of the API key that requested it; null: an owner's fact says it.")
    operation: str | None = Field(description="The operation that carries it out; null: an owner's fact says it.")
    operation_state: str | None
    token: str | None = Field(description="The revision of its facts; null: none is recorded.")


class MergePage(BaseModel):
    """A page of merges, newest first."""

    items: list[Merge]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


def body_of(tenant: str, row: ListedMerge) -> Merge:
    """The response for one merge."""
    return Merge(
        id=row.id,
        kind=row.kind,
        survivor=row.survivor,
        losers=[_loser(row, pair) for pair in row.pairs],
        reason=row.reason,
        created=row.created_at,
        source=row.source,
        fact=row.fact,
        actor=row.actor,
        operation=row.operation,
        operation_state=row.operation_state,
        token=None if row.revision is None else tokens.token(tenant, row.revision),
    )


def _loser(row: ListedMerge, pair: dict[str, Any]) -> MergedLoser:
    if row.revision is None:
        return MergedLoser(
            loser=pair["loser"], state="requested" if row.operation_state in OPEN else "not_merged", path=None
        )
    if not pair["merged"]:
        return MergedLoser(loser=pair["loser"], state="undone", path=None)
    path = pair["set_aside"]
    return MergedLoser(loser=pair["loser"], state="merged" if path is None else "set_aside", path=path)


async def merge_order(request: Request) -> MergeOrder:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, MergeOrder, limit=_MAX_BODY)


async def merge_undo_body(request: Request) -> MergeUndo:
    """Reads the body, which is optional. Raises RequestValidationError, TooLarge."""
    return await read(request, MergeUndo, limit=_MAX_BODY, empty=MergeUndo())


@router.post(
    "/entities/{kind}/merges",
    status_code=202,
    summary="Merge records of one entity",
    openapi_extra=described(MergeOrder),
)
async def merge(
    kind: str,
    who: Operator,
    body: Annotated[MergeOrder, Depends(merge_order)],
    deps: Injected,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """The losers are the same entity as the survivor from now on: links and activity of all belong to it, and every key
    goes on working. What was recorded stays as it is, so that the merge can be undone, whole or in part, at any time.

    Refused if two keys would be joined that must never be, or if one entity would be linked twice where one link is
    allowed. The operation counts what the merge has conserved (`GET /v1/merges/{id}/proof`), then lets the owner retire
    the losers, if the kind declares a command for it.
    """
    row = await merges.start(
        deps.pool, deps.catalog, who.tenant, body.request(deps, kind), actor=who.name, idempotency_key=idempotency_key
    )
    response.headers["location"] = f"/v1/operations/{row.id}"
    return describe(deps, who.tenant, row)


@router.get("/merges", summary="List merges")
async def list_merges(
    who: Reader,
    deps: Injected,
    limit: Limit,
    kind: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$", description="Only of this kind.")] = None,
    key: Annotated[KeyText | None, Query(description="Only merges that name this key.")] = None,
    cursor: Cursor = None,
) -> MergePage:
    """Newest first: those that were requested, and those that facts of owners say.

    A page with a filter may hold fewer items than its limit, even none; as long as `next` is not null, there are more
    pages.
    """
    if kind is not None:
        deps.catalog.owner_of(kind)  # raises Unknown
    listing = Listing(who.tenant, "merges", kind, key)
    place = listing.place(cursor, (int, str))
    before = None if place is None else (_EPOCH + min(place[0], _LAST) * _MICROSECOND, place[1])
    async with snapshot(deps.pool, who.tenant) as at:
        key = deps.key(kind, key) if kind is not None and key is not None else key
        found, end = await listed.page(at, kind, key, before, limit)
    after = None if end is None else ((end[0] - _EPOCH) // _MICROSECOND, end[1])
    return MergePage(items=[body_of(who.tenant, row) for row in found], next=listing.next(after))


@router.get("/merges/{id}", summary="Get a merge")
async def get_merge(id: KeyText, who: Reader, deps: Injected) -> Merge:
    """What it named, and what each of its pairs is now."""
    async with snapshot(deps.pool, who.tenant) as at:
        return body_of(who.tenant, await listed.find(at, id))


@router.post(
    "/merges/{id}/undo", status_code=202, summary="Undo a merge", openapi_extra=described(MergeUndo, required=False)
)
async def undo(
    id: KeyText,
    who: Operator,
    body: Annotated[MergeUndo, Depends(merge_undo_body)],
    deps: Injected,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """Ends the merge, or that of `only` some losers, at any age. Links and activity go back to the key that they were
    recorded under, also what has arrived since. The operation has ended when it is answered."""
    row = await merge_undo.undo(
        deps.pool,
        deps.catalog,
        who.tenant,
        id,
        only=body.only,
        reason=body.reason,
        actor=who.name,
        idempotency_key=idempotency_key,
    )
    response.headers["location"] = f"/v1/operations/{row.id}"
    return describe(deps, who.tenant, row)
