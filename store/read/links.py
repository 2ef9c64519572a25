"""Pages of links.

A page is read along an index: by child within a relationship, or by parent and child where a parent or a rare
state (waiting, overdue, broken) is asked for, starting from the few parents that can be in it. What a filter
leaves out has to be looked at all the same, so one page looks at a bounded number of rows: it may hold fewer
links than were asked for, even none, and there is more as long as it has a place to go on.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from catalog.relationship import Relationship
from store.db.snapshot import Snapshot
from store.db.sql import sql
from store.read import entities
from store.read.link_state import Link, Row, bond, derive

SCANNED = 20_000
"""Rows that one page looks at, about."""
CHUNK = 1_000
"""Rows read at a time where most may be left out."""
PARENTS = 200
"""Parents whose children are read at a time."""

_MEANINGS = {"linked": ("linked", "conflict"), "waiting": ("waiting", "overdue"), "broken": ("broken",)}

Place = list[str]
"""Where to go on: [child], or [parent, child]; an empty child: after all children of that parent."""


class Asked(NamedTuple):
    """Which links."""

    relationship: Relationship
    parent: str | None = None
    child: str | None = None
    state: str | None = None


class _Step(NamedTuple):
    """Rows in their order; where to go on (None: there are no more); how many rows were looked at."""

    rows: list[Row]
    place: Place | None
    seen: int


_Read = Callable[[Place | None, int], Awaitable[_Step]]


async def page(
    at: Snapshot, asked: Asked, after: Place | None, limit: int, now: datetime
) -> tuple[list[Link], Place | None]:
    """Up to ``limit`` links after a place, and the place to go on from."""
    if asked.child is not None:
        return await _one(at, asked, now), None
    if asked.state == "conflict" and not asked.relationship.exclusive:
        return [], None
    by_parent = asked.parent is not None or asked.state in ("waiting", "overdue", "broken")
    read: _Read = partial(_by_parent, at, asked) if by_parent else partial(_by_child, at, asked)
    found: list[Link] = []
    place, seen, more = after, 0, True
    size = limit + 1 if asked.state is None else max(limit + 1, CHUNK)
    while more and len(found) <= limit and seen < SCANNED:
        step = await read(place, size)
        links = await derive(at, asked.relationship, step.rows, now)
        found += [link for link in links if asked.state in (None, link.state)]
        place, more, seen = step.place, step.place is not None, seen + step.seen
    if len(found) > limit:
        last = found[limit - 1]
        return found[:limit], [last.parent, last.child] if by_parent else [last.child]
    return found, place


async def _one(at: Snapshot, asked: Asked, now: datetime) -> list[Link]:
    rel = asked.relationship
    row = await at.conn.fetchrow(sql("link_of_child"), at.tenant, rel.name, at.revision, asked.child, rel.parent)
    if row is None or asked.parent not in (None, row["parent"]):
        return []
    links = await derive(at, rel, [Row(row["child"], row["parent"], row["since"], row["state"])], now)
    return [link for link in links if asked.state in (None, link.state)]


async def _by_child(at: Snapshot, asked: Asked, after: Place | None, size: int) -> _Step:
    (child,) = after or [""]
    rel = asked.relationship
    found = await at.conn.fetch(sql("links_by_child"), at.tenant, rel.name, at.revision, child, size, rel.parent)
    rows = [Row(r["child"], r["parent"], r["since"], r["state"]) for r in found]
    return _Step(rows, [rows[-1].child] if len(rows) == size else None, len(rows))


async def _by_parent(at: Snapshot, asked: Asked, after: Place | None, size: int) -> _Step:
    parent, child = after or ["", ""]
    parents, last = await _parents(at, asked, parent, inclusive=bool(child))
    found: list[Any] = []
    if parents:
        found = await at.conn.fetch(
            sql("children_of"),
            at.tenant,
            [asked.relationship.name] * len(parents),
            [key for key, _ in parents],
            [child if key == parent else "" for key, _ in parents],
            *[[at.revision] * len(parents)] * 2,
            size,
        )
    rows = [Row(r["child"], parents[r["n"] - 1][0], r["since"], parents[r["n"] - 1][1]) for r in found]
    place = None if last is None else [last, ""]
    if len(rows) == size:
        place = [rows[-1].parent, rows[-1].child]
    return _Step(rows, place, len(rows) + PARENTS)


async def _parents(
    at: Snapshot, asked: Asked, parent: str, *, inclusive: bool
) -> tuple[list[tuple[str, str | None]], str | None]:
    """The next parents that may matter, each with its state; the last that was looked at, if there are more."""
    rel = asked.relationship
    if asked.parent is not None:
        state = await entities.state(at, rel.parent, asked.parent)
        possible = asked.state is None or asked.state in _MEANINGS[bond(state)]
        return [(asked.parent, state)] if possible else [], None
    wanted = "deleted" if asked.state == "broken" else "unknown"
    if at.revision < at.head:
        rows = await at.conn.fetch(
            sql("parents_at"), at.tenant, rel.name, parent, PARENTS, inclusive, rel.parent, at.revision
        )
        found = [(r["parent"], r["state"]) for r in rows if r["state"] == wanted]
    else:
        name, subject = ("deleted_parents", rel.parent) if wanted == "deleted" else ("waiting_parents", rel.name)
        rows = await at.conn.fetch(sql(name), at.tenant, subject, parent, PARENTS, inclusive)
        found = [(r["parent"], wanted) for r in rows]
    return found, rows[-1]["parent"] if len(rows) == PARENTS else None
