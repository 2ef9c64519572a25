"""`/v1/operations…`: their state and progress; cancelling and redriving them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.http.auth import Operator, Reader
from api.http.dependencies import Dependencies, Injected
from api.http.paging import Cursor, Limit, Listing
from api.http.queries import KeyText
from api.http.workflow_links import Workflow, workflow
from facts import tokens
from messages.child_reasons import describe_child
from messages.operation_reasons import EndCode, StuckCause, describe_operation
from messages.workflow_ids import Subject
from store.operations import listings, operations
from store.operations.children import ChildState
from store.operations.listings import OperationQuery
from store.operations.operation_row import OPEN, OperationKind, OperationRow, OperationState

router = APIRouter(tags=["operations"])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Named(BaseModel):
    """An entity."""

    kind: str = Field(examples=["event"])
    key: str


class ProgressCounts(BaseModel):
    """How many children an operation has processed."""

    total: int = Field(description="Children that the operation concerns. Grows while a cascade finds more.")
    remaining: int = Field(
        description="Children that were still to be processed when this was last counted; 100000 stands for that many "
        "or more."
    )
    found: int = Field(description="Children processed so far.")
    requested: int = Field(description="Of these: their owner has replied to the command.")
    confirmed: int = Field(description="Of these: confirmed by a fact of their owner.")
    skipped: int = Field(description="Of these: no longer children of the parent, so nothing was requested.")
    parked: int = Field(
        description="Of these: set aside, refused by their owner for example; `GET …/children?state=parked` says why."
    )


class Operation(BaseModel):
    """One operation."""

    id: str
    kind: OperationKind = Field(
        description="`cascade`: started by Tether, because an entity with children was deleted. `unmerge`: a merge was "
        "undone, in one transaction."
    )
    state: OperationState = Field(
        description="Not ended: `waiting` (for an entity or another operation), `requested` (the command is being "
        "sent to the owner, or was), `running` (through children). `incomplete`: ended with parked children."
    )
    relationship: str | None = Field(description="Null: the operation is about an entity.")
    parent: str | None = Field(description="Of a move or a link: the target parent.")
    child: str | None = Field(description="Null: the operation is about many children.")
    entity: Named | None = Field(
        description="Of a deletion or a cascade: the entity that is deleted. Of a merge: the survivor that it names."
    )
    former_parent: str | None = Field(
        description="Of a move: the parent that the child had when the move was requested."
    )
    plan: str | None = Field(description="The plan that is executed.")
    cause: str | None = Field(
        description="Of a cascade: the operation that deleted the entity; of an `unmerge`: the merge. "
        "`GET …/operations?cause=` lists the "
        "cascades that follow from an operation."
    )
    reason: str = Field(description="Why it ended in this state; before its end, why it is not progressing.")
    ended_because: EndCode | None = Field(description="The reason of its end as a code; null: the state says it all.")
    stuck_since: datetime | None = Field(description="Since when it has not been progressing; null: it is.")
    stuck_cause: StuckCause | None = Field(
        description="`owner_error`: attempts at an owner fail. `silence`: facts of children do not arrive. "
        "`not_declared`: what it needs is no longer declared."
    )
    cancellation_requested_at: datetime | None = Field(description="Null: it was not requested to be cancelled.")
    actor: str = Field(description="Name of the API key that started it; `/tether`: Tether did.")
    created: datetime
    due: datetime | None = Field(description="When it expires if it is still waiting; null: never.")
    ended: datetime | None
    token: str | None = Field(description="The revision at which it was done.")
    progress: ProgressCounts | None = Field(description="Null: the operation concerns at most one child.")
    workflow: Workflow | None = Field(description="Null: it needed none, and ended in the transaction of its request.")


class OperationPage(BaseModel):
    """A page of operations, newest first."""

    items: list[Operation]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


class Child(BaseModel):
    """The state of one child of an operation, or of one loser of a merge."""

    relationship: str = Field(description="Empty: it is a loser that is to be retired.")
    child: str
    parent: str = Field(description="The parent that the child must still have; of a loser: the survivor.")
    state: ChildState = Field(description="`failing`: will be retried. `parked`: until a redrive.")
    reason: str = Field(description="Why it is failing, parked or skipped; empty: the state says it all.")
    changed_at: datetime = Field(description="When the state last changed.")


class ChildPage(BaseModel):
    """A page of the children of an operation, by relationship and key."""

    items: list[Child]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


def describe(deps: Dependencies, tenant: str, row: OperationRow) -> Operation:
    """The response for one operation."""
    return Operation(
        id=row.id,
        kind=row.kind,
        state=row.state,
        relationship=row.relationship,
        parent=None if row.workflow == "merge" else row.parent,
        child=row.child,
        entity=_entity(row),
        former_parent=row.former_parent,
        plan=row.plan,
        cause=row.cause,
        reason=describe_operation(row),
        ended_because=row.ended_because,
        stuck_since=row.stuck_since,
        stuck_cause=row.stuck_cause,
        cancellation_requested_at=row.cancelled_at,
        actor=row.actor,
        created=row.created_at,
        due=row.due,
        ended=row.ended_at,
        token=tokens.token(tenant, row.revision) if row.revision is not None and row.ended_at else None,
        progress=_progress(row),
        workflow=None
        if row.kind == "unmerge"
        else workflow(deps, Subject(tenant=tenant, workflow=row.workflow, about=row.about, key=row.key)),
    )


def _entity(row: OperationRow) -> Named | None:
    if row.workflow == "merge":
        return Named(kind=row.about, key=row.parent or "")
    return Named(kind=row.about, key=row.key) if row.workflow == "cascade" else None


def _progress(row: OperationRow) -> ProgressCounts | None:
    if row.workflow not in ("cascade", "plan") and not row.found + row.remaining:
        return None
    # A plan has found all of its children before it begins.
    total = row.found + (row.remaining if row.workflow != "plan" else 0)
    sums = ("remaining", "found", "requested", "confirmed", "skipped", "parked")
    return ProgressCounts(total=total, **{name: getattr(row, name) for name in sums})


@router.get("/operations", summary="List operations")
async def list_operations(
    who: Reader,
    deps: Injected,
    limit: Limit,
    kind: Annotated[OperationKind | None, Query(description="Only operations of this kind.")] = None,
    state: Annotated[
        OperationState | Literal["open"] | None,
        Query(description="Only operations in this state; `open`: not ended."),
    ] = None,
    cause: Annotated[KeyText | None, Query(description="Only cascades that follow from this operation.")] = None,
    cursor: Cursor = None,
) -> OperationPage:
    """Newest first. Operations started after the first page was read are on none of the following ones.

    A page with a filter may hold fewer items than its limit, even none; as long as `next` is not null, there are more
    pages.
    """
    listing = Listing(who.tenant, "operations", kind, state, cause)
    place = listing.place(cursor, (int, str))
    before = None if place is None else (_EPOCH + min(place[0], _LAST) * _MICROSECOND, place[1])
    states = None if state is None else OPEN if state == "open" else (state,)
    query = OperationQuery(kind, states, cause)
    found, end = await listings.operations_page(deps.pool, who.tenant, query, before, limit)
    after = None if end is None else ((end[0] - _EPOCH) // _MICROSECOND, end[1])
    return OperationPage(items=[describe(deps, who.tenant, row) for row in found], next=listing.next(after))


@router.get("/operations/{id}", summary="Get an operation")
async def operation(id: KeyText, who: Reader, deps: Injected) -> Operation:
    """Its state, its progress and its workflow."""
    return describe(deps, who.tenant, await operations.find(deps.pool, who.tenant, id))


@router.post("/operations/{id}/cancellation", status_code=202, summary="Cancel an operation")
async def cancel(id: KeyText, who: Operator, deps: Injected) -> Operation:
    """No further command is sent, and the operation ends as `cancelled`.

    Nothing is undone: what has been requested from owners may still happen. Repeating the cancellation has no effect;
    cancelling an operation that has ended is a conflict.
    """
    return describe(deps, who.tenant, await operations.cancel(deps.pool, who.tenant, id))


@router.post("/operations/{id}/redrives", status_code=202, summary="Redrive parked children")
async def redrive(id: KeyText, who: Operator, deps: Injected) -> Operation:
    """Sends the command again for each parked child, with a new Idempotency-Key; a conflict if there is none.

    First remove the cause for which their owner refused them.
    """
    return describe(deps, who.tenant, await operations.redrive(deps.pool, who.tenant, id))


@router.get("/operations/{id}/children", summary="List the children of an operation")
async def list_children(
    id: KeyText,
    who: Reader,
    deps: Injected,
    limit: Limit,
    state: Annotated[ChildState | None, Query(description="Only children in this state.")] = None,
    cursor: Cursor = None,
) -> ChildPage:
    """The children processed so far, or named by the plan; none for an operation on a single child.

    A page of one state may hold fewer items than its limit, even none; as long as `next` is not null, there are more
    pages.
    """
    listing = Listing(who.tenant, "children", id, state)
    after = listing.place(cursor, (str, str))
    await operations.find(deps.pool, who.tenant, id)
    found, place = await listings.children_page(deps.pool, who.tenant, id, state, after, limit)
    shown = [
        Child(
            relationship=row.relationship,
            child=row.child,
            parent=row.parent,
            state=row.state,
            reason=describe_child(row),
            changed_at=row.changed_at,
        )
        for row in found
    ]
    return ChildPage(items=shown, next=listing.next(place))
