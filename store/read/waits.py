"""What is waited for now, and by whom it is owed."""

from datetime import datetime
from typing import Any, NamedTuple

from store.db.snapshot import Snapshot
from store.db.sql import sql

SCANNED = 20_000
"""Waits that one page looks at, at most: one that filters may hold fewer than asked for, and go on all the same."""
CHUNK = 1_000

Place = list[str]
"""Where to go on: after [relationship, parent]."""


class Wait(NamedTuple):
    """An instance that lacks its ``parent`` or its ``child``. ``children``: links that wait for it."""

    relationship: str
    parent: str
    lacks: str
    debtor: str
    since: datetime
    due: datetime
    started: datetime | None
    told: datetime | None
    note: str
    children: int = 0


class Asked(NamedTuple):
    """Which waits. ``overdue``: only those whose deadline has passed."""

    relationship: str | None = None
    debtor: str | None = None
    overdue: bool = False


async def page(
    at: Snapshot, asked: Asked, after: Place | None, limit: int, now: datetime
) -> tuple[list[Wait], Place | None]:
    """Up to ``limit`` waits after a place, and the place to go on from; by relationship and parent."""
    place, found, seen, more = after or ["", ""], list[Wait](), 0, True
    size = max(limit + 1, CHUNK) if asked.debtor or asked.overdue else limit + 1
    while more and len(found) <= limit and seen < SCANNED:
        rows = await _read(at, asked.relationship, place, size)
        found += [wait for wait in rows if _fits(wait, asked, now)]
        more, seen = len(rows) == size, seen + len(rows)
        place = [rows[-1].relationship, rows[-1].parent] if rows else place
    if len(found) > limit:
        found = found[:limit]
        place, more = [found[-1].relationship, found[-1].parent], True
    return await _counted(at, found), place if more else None


async def find(at: Snapshot, relationship: str, parent: str) -> Wait | None:
    """What one instance waits for, its children not counted."""
    row = await at.conn.fetchrow(sql("wait_of"), at.tenant, relationship, parent)
    return None if row is None else Wait(relationship, parent, *row)


def _fits(wait: Wait, asked: Asked, now: datetime) -> bool:
    return asked.debtor in (None, wait.debtor) and (not asked.overdue or wait.due < now)


async def _read(at: Snapshot, relationship: str | None, after: Place, size: int) -> list[Wait]:
    rows: list[Any]
    if relationship is None:
        rows = await at.conn.fetch(sql("waits_page"), at.tenant, *after, size)
    else:
        rows = await at.conn.fetch(sql("waits_of_relationship"), at.tenant, relationship, after[1], size)
    return [Wait(*row) for row in rows]


async def _counted(at: Snapshot, waits: list[Wait]) -> list[Wait]:
    if not waits:
        return waits
    names, parents = [w.relationship for w in waits], [w.parent for w in waits]
    rows = await at.conn.fetch(sql("count_children"), at.tenant, names, parents)
    counts = {row["n"] - 1: row["children"] for row in rows}
    return [wait._replace(children=counts[n]) for n, wait in enumerate(waits)]
