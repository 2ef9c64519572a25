"""Reads pages of links.

A page is read along an index: by child within a relationship; or by parent and child, if the query names a parent or a
rare state (waiting, overdue, broken), beginning with the few parents that can cause that state. Links that a filter
excludes are read all the same, so a page reads a bounded number of rows: it may hold fewer links than its limit, even
none, and there are more as long as it has a position to go on from.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from catalog.relationship import Relationship
from store.db.filtered_page import ReadRows, filtered_page, read_rows
from store.db.snapshot import Snapshot
from store.db.sql import fetch_row, fetch_rows
from store.read import entities, many_links
from store.read.entities import EntityState
from store.read.link_query import ChildOf, LinkPosition, LinkQuery
from store.read.link_state import LinkState, LinkView, StoredLink, derive, state_by_parent

PARENTS = 200
"""Parents whose children are read at a time."""

_SAME_PARENT_STATE: dict[LinkState, tuple[LinkState, ...]] = {
    "linked": ("linked", "conflict"),
    "waiting": ("waiting", "overdue"),
    "broken": ("broken",),
}
"""State by the parent alone → the states that a link may have then."""


class _ParentKey(NamedTuple):
    """A row of ``deleted_parents`` and ``former_parents``."""

    parent: str


class _WaitingParent(NamedTuple):
    """A row of ``waiting_parents``. ``is_missing``: the parent is; otherwise its child is."""

    parent: str
    is_missing: bool


class _ParentAt(NamedTuple):
    """A row of ``parents_at``; a parent with its state, None if it has no row in ``entities``."""

    parent: str
    state: EntityState | None


_LinkBatch: TypeAlias = ReadRows[StoredLink, LinkPosition]


async def page(
    at: Snapshot, query: LinkQuery, after: LinkPosition | None, limit: int, now: datetime
) -> tuple[list[LinkView], LinkPosition | None]:
    """Returns up to ``limit`` links after a position, and the position of the next page; None: this is the last one.

    ``after``: None for the first page. ``now`` decides between waiting and overdue.
    """
    if query.relationship.many:
        return await many_links.page(at, query, after, limit, now)
    if query.child is not None:
        return await _link_of_child(at, query, query.child, now), None
    if query.state == "conflict" and not query.relationship.exclusive:
        return [], None
    by_parent = query.parent is not None or query.state in ("waiting", "overdue", "broken")

    async def read(position: LinkPosition | None, size: int) -> ReadRows[LinkView, LinkPosition]:
        stored = await (_by_parent if by_parent else _by_child)(at, query, position, size)
        return ReadRows(await derive(at, query.relationship, stored.rows, now), stored.position, stored.scanned)

    def place(link: LinkView) -> LinkPosition:
        return [link.parent, link.child] if by_parent else [link.child]

    matches = None if query.state is None else lambda link: link.state == query.state
    return await filtered_page(read, place, after, limit, matches)


async def children_of(
    at: Snapshot,
    relationships: Sequence[str],
    parents: Sequence[str],
    after: Sequence[str],
    revisions: Sequence[int],
    begun_by: Sequence[int],
    size: int,
    *,
    former: bool = True,
) -> list[ChildOf]:
    """Returns up to ``size`` children of these parents, parent by parent, each parent's by key.

    The sequences have one element for each parent: the name of its relationship, its key, the child after which to
    begin (empty: from the first), the revision at which a link is valid, and the latest revision at which it began.
    ``former``: also those of former incarnations.
    """
    return await fetch_rows(
        at.conn,
        ChildOf,
        "children_of",
        tenant=at.tenant,
        relationships=relationships,
        parents=parents,
        after_children=after,
        revisions=revisions,
        begun_by=begun_by,
        size=size,
        former=former,
    )


async def _link_of_child(at: Snapshot, query: LinkQuery, child: str, now: datetime) -> list[LinkView]:
    relationship = query.relationship
    link = await fetch_row(
        at.conn,
        StoredLink,
        "link_of_child",
        tenant=at.tenant,
        relationship=relationship.name,
        parent_kind=relationship.parent,
        revision=at.revision,
        child=child,
    )
    if link is None or query.parent not in (None, link.parent):
        return []
    return [view for view in await derive(at, relationship, [link], now) if query.state in (None, view.state)]


async def _by_child(at: Snapshot, query: LinkQuery, after: LinkPosition | None, size: int) -> _LinkBatch:
    (child,) = after or [""]
    links = await fetch_rows(
        at.conn,
        StoredLink,
        "links_by_child",
        tenant=at.tenant,
        relationship=query.relationship.name,
        parent_kind=query.relationship.parent,
        revision=at.revision,
        after=child,
        size=size,
    )
    return read_rows(links, size, lambda link: [link.child])


async def _by_parent(at: Snapshot, query: LinkQuery, after: LinkPosition | None, size: int) -> _LinkBatch:
    after_parent, after_child = after or ["", ""]
    parents, last = await _parents(at, query, after_parent, inclusive=bool(after_child))
    children: list[ChildOf] = []
    if parents:
        children = await children_of(
            at,
            [query.relationship.name] * len(parents),
            [parent for parent, _ in parents],
            [after_child if parent == after_parent else "" for parent, _ in parents],
            [at.revision] * len(parents),
            [at.revision] * len(parents),
            size,
        )
    links = [_of_parent(row, *parents[row.n - 1]) for row in children]
    position = None if last is None else [last, ""]
    if len(links) == size:
        position = [links[-1].parent, links[-1].child]
    return ReadRows(links, position, len(links) + PARENTS)


def _of_parent(row: ChildOf, parent: str, state: EntityState | None) -> StoredLink:
    state = "deleted" if row.former else state
    return StoredLink(row.child, parent, row.since, state, row.stated_child, row.stated_parent)


async def _parents(
    at: Snapshot, query: LinkQuery, after: str, *, inclusive: bool
) -> tuple[list[_ParentAt], str | None]:
    """Returns the next parents that can have matching links; and the last one that was read, None if it was the last.

    ``after``: the key after which to begin, or at which if ``inclusive``.
    """
    relationship = query.relationship
    if query.parent is not None:
        state = await entities.find_state(at, relationship.parent, query.parent)
        possible = query.state is None or query.state in _SAME_PARENT_STATE[state_by_parent(state)]
        possible |= query.state == "broken" and relationship.requested is not None
        return [_ParentAt(query.parent, state)] if possible else [], None
    wanted: EntityState = "deleted" if query.state == "broken" else "unknown"
    where = {"tenant": at.tenant, "after": after, "inclusive": inclusive, "size": PARENTS}
    if at.revision < at.head:
        every = await fetch_rows(
            at.conn,
            _ParentAt,
            "parents_at",
            relationship=relationship.name,
            parent_kind=relationship.parent,
            revision=at.revision,
            **where,
        )
        states = {wanted, "live"} if wanted == "deleted" and relationship.requested is not None else {wanted}
        return [row for row in every if row.state in states], every[-1].parent if len(every) == PARENTS else None
    if wanted == "unknown":
        waiting = await fetch_rows(at.conn, _WaitingParent, "waiting_parents", relationship=relationship.name, **where)
        missing = [_ParentAt(row.parent, "unknown") for row in waiting if row.is_missing]
        return missing, waiting[-1].parent if len(waiting) == PARENTS else None
    found = await _broken_parents(at, relationship, where)
    keys = sorted(found, key=str.encode)[:PARENTS]
    return [_ParentAt(key, found[key]) for key in keys], keys[-1] if len(keys) == PARENTS else None


async def _broken_parents(at: Snapshot, relationship: Relationship, where: dict[str, Any]) -> dict[str, EntityState]:
    """Parent → its state, of those that can have broken links: tombstones, and those with links of former incarnations.

    ``where``: from which key on, and how many of each.
    """
    former: list[_ParentKey] = []
    if relationship.requested is not None:
        former = await fetch_rows(at.conn, _ParentKey, "former_parents", relationship=relationship.name, **where)
    deleted = await fetch_rows(at.conn, _ParentKey, "deleted_parents", kind=relationship.parent, **where)
    found: dict[str, EntityState] = {row.parent: "live" for row in former}
    return found | {row.parent: "deleted" for row in deleted}
