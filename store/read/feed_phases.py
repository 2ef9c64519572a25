"""Reads the changes of one phase of the feed, out of a window of revisions."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from catalog.relationship import Relationship
from facts.reading import shown_as
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows
from store.read import feed_items
from store.read.entities import EntityState
from store.read.feed_items import (
    HOLDERS,
    PARENTS,
    ActivityChange,
    EntityChange,
    FeedItem,
    Keys,
    LinkChange,
    MergeChange,
    OwnFact,
)
from store.read.feed_query import FeedQuery
from store.read.link_query import ChildOf
from store.read.link_state import Claim, holders, state_by_parent
from store.read.links import children_of
from store.read.many_links import parents_of

PARENTS_AT_ONCE = 50
"""Parents whose children are read at a time: each may have as many as a page holds."""


class Window(NamedTuple):
    """What one phase reads: up to ``size`` items of revisions ``first`` to ``last``, after ``keys`` of the first, and
    none after the one whose data reaches ``room`` bytes."""

    first: int
    keys: Keys
    last: int
    size: int
    room: int


class _ClaimRow(NamedTuple):
    """A row of ``feed_claims``."""

    relationship: str
    parent: str
    revision: int


class _ParentRow(NamedTuple):
    """A row of ``feed_parents``."""

    revision: int
    kind: str
    key: str
    state: EntityState


class PhaseItems(NamedTuple):
    """What one phase gave. ``size``: bytes of the data in the items, which only entities have many of."""

    items: list[FeedItem]
    size: int = 0


_ReadPhase: TypeAlias = Callable[[Snapshot, FeedQuery, Window], Awaitable[PhaseItems]]


async def _entities(at: Snapshot, query: FeedQuery, window: Window) -> PhaseItems:
    if not query.entities:
        return PhaseItems([])
    kind, key, _ = window.keys
    rows = await fetch_rows(
        at.conn,
        EntityChange,
        "feed_entities",
        tenant=at.tenant,
        first=window.first,
        last=window.last,
        only_kind=query.only_kind,
        after_kind=kind,
        after_key=key,
        size=window.size,
        room=window.room,
    )
    return PhaseItems([feed_items.entity_item(row) for row in rows], sum(row.size for row in rows))


async def _links(at: Snapshot, query: FeedQuery, window: Window) -> PhaseItems:
    if not query.relationships:
        return PhaseItems([])
    relationship, child, many = window.keys
    rows = await fetch_rows(
        at.conn,
        LinkChange,
        "feed_links",
        tenant=at.tenant,
        first=window.first,
        last=window.last,
        relationships=[r.name for r in query.relationships],
        element_kinds=[r.element_kind for r in query.relationships],
        parent_lists=[r.parent_lists for r in query.relationships],
        after_relationship=relationship,
        after_child=child,
        after_many=many,
        size=window.size,
    )
    declared = {r.name: r for r in query.relationships}
    return PhaseItems([feed_items.link_change_item(row, declared[row.relationship]) for row in rows])


async def _holders(at: Snapshot, query: FeedQuery, window: Window) -> PhaseItems:
    exclusive = [r for r in query.relationships if r.exclusive]
    if not exclusive:
        return PhaseItems([])
    rows = await fetch_rows(
        at.conn,
        _ClaimRow,
        "feed_claims",
        tenant=at.tenant,
        first=window.first,
        last=window.last,
        relationships=[r.name for r in exclusive],
        parent_kinds=[r.parent for r in exclusive],
    )
    claims: list[Claim] = [(row.relationship, row.parent, row.revision) for row in rows]
    held = await holders(at, claims + [(name, parent, revision - 1) for name, parent, revision in claims])
    found: list[FeedItem] = []
    children = {r.name: r.child for r in exclusive}
    for name, parent, revision in claims:
        now, before = held.get((name, parent, revision)), held.get((name, parent, revision - 1))
        if now is None or before is None or now.child == before.child:
            continue  # the parent has, or had, no other child; or the same child holds it as before
        if before.to_revision > revision:
            cause = children[name], now.child
            found.append(feed_items.link_item(HOLDERS, revision, name, before.child, parent, "conflict", cause))
        if now.from_revision < revision:
            cause = children[name], before.child
            found.append(feed_items.link_item(HOLDERS, revision, name, now.child, parent, "linked", cause))
    after = window.first, window.keys
    left = sorted((item for item in found if (item.revision, item.keys) > after), key=lambda item: item[:3])
    return PhaseItems(left[: window.size])


async def _parents(at: Snapshot, query: FeedQuery, window: Window) -> PhaseItems:
    kinds = list({r.element_kind for r in query.relationships})
    if not kinds:
        return PhaseItems([])
    rows = await fetch_rows(
        at.conn, _ParentRow, "feed_parents", tenant=at.tenant, first=window.first, last=window.last, kinds=kinds
    )
    relationship, named, other = window.keys
    start = (window.first, relationship, named)
    declared = {r.name: r for r in query.relationships}
    changed: list[tuple[int, str, str, EntityState]] = sorted(
        (row.revision, r.name, row.key, row.state)
        for row in rows
        for r in query.relationships
        if r.element_kind == row.kind and (row.revision, r.name, row.key) >= start
    )
    found: list[FeedItem] = []
    for n in range(0, len(changed), PARENTS_AT_ONCE):
        if len(found) >= window.size:
            break
        some = changed[n : n + PARENTS_AT_ONCE]
        after = [other if one[:3] == start else "" for one in some]
        size = window.size - len(found)
        for row in await _linked(at, [declared[name] for _, name, _, _ in some], some, after, size):
            revision, name, key, state = some[row.n - 1]
            relationship_of, cause = declared[name], (declared[name].element_kind, key)
            ends = relationship_of.ends(row.child, key)
            item = feed_items.link_item(PARENTS, revision, name, *ends, state_by_parent(state), cause)
            found.append(feed_items.many(item, relationship_of)._replace(keys=(name, key, row.child)))
    return PhaseItems(found)


async def _linked(
    at: Snapshot,
    relationships: Sequence[Relationship],
    named: Sequence[tuple[int, str, str, EntityState]],
    after: Sequence[str],
    size: int,
) -> list[ChildOf]:
    """Up to ``size`` of the entities that name these, in their order: children, and where parents list their children
    the parents, as ``child``. ``named``: (revision, relationship, key, state); ``after``: the last that was read."""
    found: list[ChildOf] = []
    for parent_lists, of_one_side in groupby(range(len(named)), lambda n: relationships[n].parent_lists):
        numbers = list(of_one_side)
        rows = await (parents_of if parent_lists else children_of)(
            at,
            [named[n][1] for n in numbers],
            [named[n][2] for n in numbers],
            [after[n] for n in numbers],
            [named[n][0] for n in numbers],
            [named[n][0] - 1 for n in numbers],
            size - len(found),
            former=False,  # what is of a former incarnation stays broken
        )
        found += [row._replace(n=numbers[row.n - 1] + 1) for row in rows]
        if len(found) >= size:
            break
    return found


async def _facts(at: Snapshot, query: FeedQuery, window: Window) -> PhaseItems:
    if not query.facts:
        return PhaseItems([])
    rows = await fetch_rows(
        at.conn,
        OwnFact,
        "feed_facts",
        tenant=at.tenant,
        first=window.first,
        last=window.last,
        only_relationship=query.only_relationship,
        only_kind=query.only_kind,
        after_position=int(window.keys[0] or 0),
        size=window.size,
    )
    return PhaseItems([feed_items.fact_item(row) for row in rows])


async def _merges(at: Snapshot, query: FeedQuery, window: Window) -> PhaseItems:
    if not query.entities or not at.merges:
        return PhaseItems([])
    kind, key, _ = window.keys
    rows = await fetch_rows(
        at.conn,
        MergeChange,
        "feed_merges",
        tenant=at.tenant,
        first=window.first,
        last=window.last,
        only_kind=query.only_kind,
        after_kind=kind,
        after_key=key,
        size=window.size,
    )
    return PhaseItems([feed_items.merge_item(row) for row in rows])


async def _activity(at: Snapshot, query: FeedQuery, window: Window) -> PhaseItems:
    if not query.activity:
        return PhaseItems([])
    rows = await fetch_rows(
        at.conn,
        ActivityChange,
        "feed_activity",
        tenant=at.tenant,
        first=window.first,
        last=window.last,
        only_kind=query.only_kind,
        after_position=int(window.keys[0] or 0),
        size=window.size,
        room=window.room,
    )
    size, contracts = sum(row.size for row in rows), query.contracts
    if contracts is not None and contracts.readings:
        rows = [row._replace(data=shown_as(contracts, row.type, row.data)) for row in rows]
    return PhaseItems([feed_items.activity_item(row) for row in rows], size)


PHASES: tuple[_ReadPhase, ...] = (_entities, _links, _holders, _parents, _facts, _merges, _activity)
"""Readers in the order of the phases of a revision."""
