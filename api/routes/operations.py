"""Operations: work that a caller started, or that a deletion made necessary, and what became of it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.http.auth import Operator, Reader
from api.http.dependencies import Has, Services
from api.http.paging import Cursor, Limit, Listing
from api.http.queries import Key
from api.http.workflow_links import Workflow, workflow
from messages.workflow_ids import Subject
from store.db import tokens
from store.operations import children, operations

router = APIRouter(tags=["operations"])

Kind = Literal["link", "unlink", "move", "delete", "cascade", "detach"]
State = Literal[
    "waiting", "requested", "running", "done", "incomplete", "refused", "expired", "superseded", "cancelled"
]
ChildState = Literal["planned", "failing", "requested", "confirmed", "skipped", "parked"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Named(BaseModel):
    """An entity."""

    kind: str = Field(examples=["event"])
    key: str


class Progress(BaseModel):
    """How far an operation on many children is."""

    total: int = Field(
        description="Children that it concerns, as far as that is known: a cascade finds more as it goes."
    )
    remaining: int = Field(
        description="Children that were still to be processed when this was last counted; 100000 stands for that many "
        "or more."
    )
    found: int = Field(description="Children processed so far.")
    requested: int = Field(description="Of these: a request was sent to their owner.")
    confirmed: int = Field(description="Of these: the owner's fact has arrived.")
    skipped: int = Field(description="Of these: no longer there when their turn came, and left alone.")
    parked: int = Field(description="Of these: refused by their owner. `GET …/children?state=parked` says why.")


class Operation(BaseModel):
    """One operation."""

    id: str
    kind: Kind = Field(description="`cascade`: begun by Tether itself, as an owner deleted what has children.")
    state: State = Field(
        description="It has not ended while it is `waiting` (for what it needs), `requested` (of an owner) or "
        "`running` (through children). `incomplete`: some children were refused by their owner."
    )
    relationship: str | None = Field(description="null: it is about an entity.")
    parent: str | None = Field(description="Of a move: where to.")
    child: str | None = Field(description="null: about many.")
    entity: Named | None = Field(description="Of a deletion or a cascade: what is to go, or is gone.")
    former_parent: str | None = Field(
        description="Of a move: the parent that the child was in when the request was sent to its owner."
    )
    plan: str | None = Field(description="The plan that it executes.")
    cause: str | None = Field(
        description="Of a cascade: the operation that asked for the end of the entity. That one is done when its own "
        "children are; `GET …/operations?cause=` lists what follows from it."
    )
    reason: str = Field(description="Why it ended as it did; while it has not: what keeps it from going on.")
    stuck_since: datetime | None = Field(description="Since when an owner does not let it go on; null: it goes on.")
    cancelled: datetime | None = Field(description="When somebody wished it to stop.")
    actor: str = Field(description="Name of the key that started it; `/tether`: nobody's.")
    created: datetime
    due: datetime | None = Field(description="When it expires, if what it needs is not there by then; null: never.")
    ended: datetime | None
    token: str | None = Field(description="The revision it made, once it is done.")
    progress: Progress | None = Field(description="null: it concerns no more than one child.")
    workflow: Workflow


class OperationPage(BaseModel):
    """Some operations, the newest first."""

    items: list[Operation]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


class Child(BaseModel):
    """What became of one child."""

    relationship: str
    child: str
    parent: str = Field(description="The one that it must still belong to.")
    state: ChildState = Field(description="`failing`: to be retried. `parked`: refused. `skipped`: left alone.")
    reason: str = Field(description="Why it is failing or parked.")
    at: datetime = Field(description="When it came to be so.")


class ChildPage(BaseModel):
    """Some of the children of an operation, by relationship and key."""

    items: list[Child]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


def describe(has: Services, tenant: str, row: Any) -> Operation:
    """The answer for one row."""
    whole = row["workflow"] == "cascade"
    return Operation(
        id=row["id"],
        kind=row["kind"],
        state=row["state"],
        relationship=row["relationship"],
        parent=row["parent"],
        child=row["child"],
        entity=Named(kind=row["about"], key=row["key"]) if whole else None,
        former_parent=row["former_parent"],
        plan=row["plan"],
        cause=row["cause"],
        reason=row["reason"],
        stuck_since=row["stuck_since"],
        cancelled=row["cancelled_at"],
        actor=row["actor"],
        created=row["created_at"],
        due=row["due"],
        ended=row["ended_at"],
        token=tokens.token(tenant, row["revision"]) if row["revision"] is not None and row["ended_at"] else None,
        progress=_progress(row),
        workflow=workflow(has, Subject(tenant=tenant, workflow=row["workflow"], about=row["about"], key=row["key"])),
    )


def _progress(row: Any) -> Progress | None:
    if row["workflow"] not in ("cascade", "plan"):
        return None
    # A plan has found all of its children before it begins.
    total = row["found"] + (row["remaining"] if row["workflow"] == "cascade" else 0)
    sums = ("remaining", "found", "requested", "confirmed", "skipped", "parked")
    return Progress(total=total, **{name: row[name] for name in sums})


@router.get("/operations", summary="Work that was asked for, the newest first")
async def list_operations(
    who: Reader,
    has: Has,
    limit: Limit,
    kind: Annotated[Kind | None, Query(description="Only of this kind.")] = None,
    state: Annotated[
        State | Literal["open"] | None, Query(description="Only in this state; `open`: all that have not ended.")
    ] = None,
    cause: Annotated[Key | None, Query(description="Only what follows from this operation.")] = None,
    cursor: Cursor = None,
) -> OperationPage:
    """What came while you turn the pages is on none of them: begin anew to see it."""
    listing = Listing(who.tenant, "operations", kind, state, cause)
    place = listing.place(cursor, (int, str))
    before = None if place is None else (_EPOCH + min(place[0], _LAST) * _MICROSECOND, place[1])
    found = await operations.page(has.pool, who.tenant, kind, state, before, limit + 1, cause)
    last = found[limit - 1] if len(found) > limit else None
    after = None if last is None else ((last["created_at"] - _EPOCH) // _MICROSECOND, last["id"])
    return OperationPage(items=[describe(has, who.tenant, row) for row in found[:limit]], next=listing.next(after))


@router.get("/operations/{id}", summary="What became of an operation")
async def operation(id: Key, who: Reader, has: Has) -> Operation:
    """Its state, how far it is, and the workflow that carries it out."""
    return describe(has, who.tenant, await operations.find(has.pool, who.tenant, id))


@router.post("/operations/{id}/cancellation", status_code=202, summary="Stop an operation")
async def cancel(id: Key, who: Operator, has: Has) -> Operation:
    """It asks for no more, and ends as `cancelled`; what its owners were asked already may still come about.

    Nothing is undone. Once is enough, and again does no harm; an operation that has ended is a conflict.
    """
    return describe(has, who.tenant, await operations.cancel(has.pool, who.tenant, id))


@router.post("/operations/{id}/redrives", status_code=202, summary="Ask anew for what was refused")
async def redrive(id: Key, who: Operator, has: Has) -> Operation:
    """The children that are parked are asked for once more, as requests of their own; a conflict if there are none.

    Mend first what made their owner refuse them.
    """
    return describe(has, who.tenant, await operations.redrive(has.pool, who.tenant, id))


@router.get("/operations/{id}/children", summary="The children that an operation concerns")
async def list_children(
    id: Key,
    who: Reader,
    has: Has,
    limit: Limit,
    state: Annotated[ChildState | None, Query(description="Only in this state.")] = None,
    cursor: Cursor = None,
) -> ChildPage:
    """Those that it has come to, or that its plan names; none for an operation on a single child."""
    listing = Listing(who.tenant, "children", id, state)
    after = listing.place(cursor, (str, str)) or ("", "")
    await operations.find(has.pool, who.tenant, id)
    found = await children.listed(has.pool, who.tenant, id, state, (after[0], after[1]), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    place = None if last is None else (last["relationship"], last["child"])
    shown = [
        Child(
            relationship=row["relationship"],
            child=row["child"],
            parent=row["parent"],
            state=row["state"],
            reason=row["last_error"],
            at=row["changed_at"],
        )
        for row in found[:limit]
    ]
    return ChildPage(items=shown, next=listing.next(place))
