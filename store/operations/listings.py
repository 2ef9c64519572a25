"""Lists operations, and the children of one.

Pages are read along an index: operations by their age, children by their key, and both by an index of the open ones if
only states that are open match. Other filters exclude rows that are read all the same (see `filtered_page`).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from messages.child_reasons import ParkCode, SkipCode
from messages.operation_reasons import ReasonDetails
from store.db.filtered_page import ReadRows, filtered_page, read_rows
from store.db.pool import Connection, Pool, connection
from store.db.sql import fetch_rows
from store.operations.children import ChildState
from store.operations.operation_row import OPEN, OperationKind, OperationRow, OperationState

OPEN_CHILD: tuple[ChildState, ...] = ("planned", "failing", "requested", "parked")
"""States of children that are neither confirmed nor skipped."""

OperationPosition: TypeAlias = tuple[datetime, str]
"""Where the next page begins: before (created_at, id)."""
_NEWEST: OperationPosition = (datetime(9999, 1, 1, tzinfo=UTC), "")

ChildPosition: TypeAlias = list[str]
"""Where the next page begins: after [relationship, child]."""


class OperationQuery(NamedTuple):
    """Which operations: of one kind, in one of some states, that one operation caused, unless None."""

    kind: OperationKind | None = None
    states: tuple[OperationState, ...] | None = None
    cause: str | None = None


class ChildRow(NamedTuple):
    """A child of an operation, for lists. ``changed_at``: when its state last changed.

    ``skip_reason``, ``park_reason``, ``details`` and ``last_error``: why it is in that state, for `describe_child`.
    """

    relationship: str
    child: str
    parent: str
    state: ChildState
    skip_reason: SkipCode | None
    park_reason: ParkCode | None
    details: ReasonDetails | None
    last_error: str
    attempts: int
    changed_at: datetime


async def operations_page(
    pool: Pool, tenant: str, query: OperationQuery, before: OperationPosition | None, limit: int
) -> tuple[list[OperationRow], OperationPosition | None]:
    """Returns up to ``limit`` operations, the newest first, and the position of the next page; None: this is the last
    one.

    ``before``: None for the first page. A page may hold fewer than ``limit`` although there are more.
    """
    matches: Callable[[OperationRow], bool] | None = None
    read = _read_operations
    if query.states and set(query.states) <= set(OPEN):
        read = _read_open_operations
    elif query.kind or query.states:
        matches = partial(_matches, query)
    async with connection(pool) as conn:
        return await filtered_page(partial(read, conn, tenant, query), _before, before, limit, matches)


async def children_page(
    pool: Pool, tenant: str, operation: str, state: ChildState | None, after: ChildPosition | None, limit: int
) -> tuple[list[ChildRow], ChildPosition | None]:
    """Returns up to ``limit`` children of an operation, by relationship and key, and the position of the next page;
    None: this is the last one.

    ``state``: only those in it; None: all. ``after``: None for the first page. A page may hold fewer than ``limit``
    although there are more.
    """
    matches = None if state is None else lambda row: row.state == state
    async with connection(pool) as conn:
        read = partial(_read_children, conn, tenant, operation, state)
        return await filtered_page(read, _after, after, limit, matches)


def _matches(query: OperationQuery, row: OperationRow) -> bool:
    return query.kind in (None, row.kind) and (query.states is None or row.state in query.states)


async def _read_operations(
    conn: Connection, tenant: str, query: OperationQuery, before: OperationPosition | None, size: int
) -> ReadRows[OperationRow, OperationPosition]:
    created_at, id = before or _NEWEST
    wanted: dict[str, Any] = {"tenant": tenant, "kind": query.kind, "states": query.states, "size": size}
    wanted |= {"before": created_at, "before_id": id}
    if query.cause is None:
        rows = await fetch_rows(conn, OperationRow, "operations_page", **wanted)
    else:
        rows = await fetch_rows(conn, OperationRow, "operations_of_cause", cause=query.cause, **wanted)
    return read_rows(rows, size, _before, filtered=bool(query.kind or query.states))


async def _read_open_operations(
    conn: Connection, tenant: str, query: OperationQuery, before: OperationPosition | None, size: int
) -> ReadRows[OperationRow, OperationPosition]:
    created_at, id = before or _NEWEST
    rows = await fetch_rows(
        conn,
        OperationRow,
        "open_operations_page",
        tenant=tenant,
        states=query.states,
        kind=query.kind,
        cause=query.cause,
        before=created_at,
        before_id=id,
        size=size,
    )
    return read_rows(rows, size, _before)


async def _read_children(
    conn: Connection, tenant: str, operation: str, state: ChildState | None, after: ChildPosition | None, size: int
) -> ReadRows[ChildRow, ChildPosition]:
    relationship, child = after or ["", ""]
    wanted: dict[str, Any] = {"tenant": tenant, "operation": operation, "state": state, "size": size}
    wanted |= {"after_relationship": relationship, "after_child": child}
    if state in OPEN_CHILD:
        rows = await fetch_rows(conn, ChildRow, "open_children_page", **wanted)
    else:
        rows = await fetch_rows(conn, ChildRow, "children_page", **wanted)
    return read_rows(rows, size, _after, filtered=state is not None)


def _before(row: OperationRow) -> OperationPosition:
    return row.created_at, row.id


def _after(row: ChildRow) -> ChildPosition:
    return [row.relationship, row.child]
