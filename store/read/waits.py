"""Reads the current waits: what each relationship instance is missing, and from which owner."""

from collections.abc import Container
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from store.db.filtered_page import ReadRows, filtered_page, read_rows
from store.db.snapshot import Snapshot
from store.db.sql import fetch_row, fetch_rows

WaitPosition: TypeAlias = list[str]
"""Where the next page begins: after [relationship, parent]."""

Side: TypeAlias = Literal["parent", "child"]


class WaitRow(NamedTuple):
    """A row of ``waits``: the instance of ``parent`` is missing its parent entity or its child. Where parents list
    their children ``parent`` is the key of the child that is missing."""

    relationship: str
    parent: str
    missing: Side
    owner: str
    """The owner whose fact would end the wait."""
    waiting_since: datetime
    due: datetime
    workflow_started_at: datetime | None
    overdue_notified_at: datetime | None
    last_error: str
    missing_links: list[str]


class OpenWait(NamedTuple):
    """A wait with the number of links that wait for what is missing."""

    wait: WaitRow
    children: int


class WaitQuery(NamedTuple):
    """Which waits: of one relationship, for one owner, unless None. ``overdue``: only those past their due time."""

    relationship: str | None = None
    owner: str | None = None
    overdue: bool = False


class _ChildCount(NamedTuple):
    """A row of ``count_children``. ``n``: the number of the parent, from 1."""

    n: int
    children: int


async def page(
    at: Snapshot,
    query: WaitQuery,
    after: WaitPosition | None,
    limit: int,
    now: datetime,
    parents_list: Container[str] = (),
) -> tuple[list[OpenWait], WaitPosition | None]:
    """Returns up to ``limit`` waits after a position, and the position of the next page; None: this is the last one.

    By relationship and parent. ``after``: None for the first page. ``now`` decides what is overdue.
    ``parents_list``: the relationships whose parents list their children: a wait there is for a child that is named.
    """
    matches = partial(_matches, query, now) if query.owner or query.overdue else None
    found, position = await filtered_page(partial(_read, at, query.relationship), _place, after, limit, matches)
    return await _with_children(at, found, parents_list), position


async def find(at: Snapshot, relationship: str, parent: str) -> WaitRow | None:
    """Returns the wait of one relationship instance; None: it is not waiting."""
    return await fetch_row(
        at.conn, WaitRow, "wait_of", tenant=at.tenant, relationship=relationship, parent=parent
    )  # fmt: skip


def _place(wait: WaitRow) -> WaitPosition:
    return [wait.relationship, wait.parent]


def _matches(query: WaitQuery, now: datetime, wait: WaitRow) -> bool:
    return query.owner in (None, wait.owner) and (not query.overdue or wait.due < now)


async def _read(
    at: Snapshot, relationship: str | None, after: WaitPosition | None, size: int
) -> ReadRows[WaitRow, WaitPosition]:
    after_relationship, after_parent = after or ["", ""]
    if relationship is None:
        rows = await fetch_rows(
            at.conn,
            WaitRow,
            "waits_page",
            tenant=at.tenant,
            after_relationship=after_relationship,
            after_parent=after_parent,
            size=size,
        )
    else:
        rows = await fetch_rows(
            at.conn,
            WaitRow,
            "waits_of_relationship",
            tenant=at.tenant,
            relationship=relationship,
            after_parent=after_parent,
            size=size,
        )
    return read_rows(rows, size, _place)


async def _with_children(at: Snapshot, waits: list[WaitRow], parents_list: Container[str]) -> list[OpenWait]:
    if not waits:
        return []
    rows = await fetch_rows(
        at.conn,
        _ChildCount,
        "count_children",
        tenant=at.tenant,
        relationships=[wait.relationship for wait in waits],
        parents=[wait.parent for wait in waits],
        of_child=[wait.relationship in parents_list for wait in waits],
    )
    counts = {row.n - 1: row.children for row in rows}
    return [OpenWait(wait, counts[n]) for n, wait in enumerate(waits)]
