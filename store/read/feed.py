"""Reads the feed: everything that changed after a position, in order, from the versions that the tables keep.

Nothing is written for the feed, and nothing in it depends on when it is read: the items of a committed revision never
change, so a page may end anywhere and the next one may be read at any time. The items of a revision, by phase:

    0  versions of entities that began
    1  links that began, ended, or moved to another parent
    2  where a parent may have one child only: links that became or ceased to be in conflict because of another link
    3  links whose parent's state changed: a parent that 100,000 children wait for gives 100,000 items
    4  facts that Tether published
    5  keys that were merged into another one, or ceased to be
    6  activity that was recorded or voided
"""

from time import monotonic
from typing import NamedTuple

from catalog import limits
from catalog.replica import Replica
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows
from store.read.feed_causes import with_causes
from store.read.feed_events import attributes
from store.read.feed_items import ENTITIES, FACTS, LINKS, PARENTS, FeedItem
from store.read.feed_offsets import KEPT, FeedPosition, joined, number, position_after
from store.read.feed_phases import PHASES, Window
from store.read.feed_previous import with_previous
from store.read.feed_query import FeedQuery
from store.read.late_links import mark_late
from store.read.link_state import Claim, holders

WINDOW = 10_000
"""Facts in the largest window of revisions that is read at once, where a filter excludes most of them."""
SECONDS = 1.0
"""Time after which a page ends with what it has."""
CHUNK = 1_000
"""Items read at a time where a filter may exclude most of them."""
AGAIN = 1_000
"""Items that are read at a time to find the one whose keys an offset does not hold whole."""


class _RevisionRow(NamedTuple):
    """A row of ``feed_revisions``."""

    revision: int
    facts: int


async def page(
    at: Snapshot, query: FeedQuery, position: FeedPosition, limit: int
) -> tuple[list[FeedItem], FeedPosition]:
    """Returns up to ``limit`` items after a position, and the position after them. A page whose data reaches the limit
    for pages, in bytes, ends with the item that does.

    There are more as long as its revision is not beyond the newest, even if a filter excluded all that was read. Raises
    Expired if the position is before the horizon.
    """
    at.check_feed(position.revision)
    items: list[FeedItem] = []
    facts, room, end = limit, limits.PAGE, monotonic() + SECONDS
    position, advanced = await _complete(at, query, position), False
    while len(items) < limit and room > 0 and position.revision <= at.head and not (advanced and monotonic() > end):
        last = await _last_revision(at, position.revision, facts)
        left = limit - len(items)
        size = max(left, CHUNK) if query.selective else left
        found, read, more = await _read(at, query, position, last, size, room)
        found = number(found, position)
        chosen = await _choose(at, query, found)
        if len(chosen) > left:
            chosen = chosen[:left]
            position = position_after(chosen[-1])
        else:
            position = position_after(found[-1]) if more else FeedPosition(last + 1)
        room, advanced = room - read, True
        items += chosen
        facts = facts if chosen else min(2 * facts, WINDOW)
    return items, position


async def _choose(at: Snapshot, query: FeedQuery, items: list[FeedItem]) -> list[FeedItem]:
    """Returns the items that a query wants, complete."""
    await _mark_conflicts(at, query, items)
    await mark_late(at, {r.name: r for r in query.relationships}, items)
    if at.merges:
        await _name_survivors(at, items)
    if query.parent is not None:
        items = [item for item in items if _concerns(item, query.parent)]
    if query.replica is not None:
        items = [_reduced(item, query.replica) for item in items]
    if query.only_changes or query.with_previous:
        items = await with_previous(at, query, items)
    items = await with_causes(at, items)
    if query.filter is not None:
        items = [item for item in items if query.filter(attributes(item))]
    return items


def _reduced(item: FeedItem, replica: Replica) -> FeedItem:
    """An item with the fields of a replica alone."""
    if item.phase != ENTITIES:
        return item
    return item._replace(body={**item.body, "data": replica.reduced(item.body["data"])})


def _concerns(item: FeedItem, parent: str) -> bool:
    """Whether an item is of a link that has, or had, this parent, or of a fact about one."""
    named = item.body["fact"]["data"] if item.phase == FACTS else item.body
    return parent in (named.get("parent"), named.get("previous_parent"))


async def _complete(at: Snapshot, query: FeedQuery, position: FeedPosition) -> FeedPosition:
    """Returns a position with the whole keys of its item, of which its offset held the beginning and a number."""
    after, passed = position._replace(number=0, prefix=b""), 0
    while position.prefix and position.revision <= at.head:
        window = Window(position.revision, after.keys, position.revision, AGAIN, limits.PAGE)
        found = (await PHASES[position.phase](at, query, window)).items
        for item in found:
            prefix = joined(item.keys)[:KEPT]
            passed += prefix == position.prefix
            if prefix > position.prefix or passed > position.number:
                return after
            after = position_after(item._replace(number=passed))
        if not found:
            return after
    return position


async def _last_revision(at: Snapshot, first: int, facts: int) -> int:
    """Returns the last revision of a window from ``first`` on with about this many facts; at least ``first``."""
    rows = await fetch_rows(
        at.conn, _RevisionRow, "feed_revisions", tenant=at.tenant, first=first, head=at.head, size=facts
    )
    for row in rows:
        facts -= row.facts or facts  # a revision without facts is a backfill's, with many links
        if facts <= 0:
            return row.revision
    return at.head


async def _read(
    at: Snapshot, query: FeedQuery, position: FeedPosition, last: int, size: int, room: int
) -> tuple[list[FeedItem], int, bool]:
    """Returns the items up to a revision, as many as ``size`` and ``room`` bytes allow; the bytes of their data; and
    whether more may follow up to that revision."""
    found: list[FeedItem] = []
    full, total = None, 0
    for phase, read in enumerate(PHASES):
        first, keys = position.start(phase)
        if first <= last:
            of_phase = await read(at, query, Window(first, keys, last, size + 1, room))
            if of_phase.size >= room:  # of this phase no later items were read: the page must not go past its last one
                full = of_phase.items[-1][:3] if full is None else min(full, of_phase.items[-1][:3])
            found += of_phase.items
            total += of_phase.size
    found = sorted((item for item in found if full is None or item[:3] <= full), key=lambda item: item[:3])
    return found[:size], total, full is not None or len(found) > size


class _SurvivorAt(NamedTuple):
    """A row of ``survivors_at_revisions``."""

    kind: str
    key: str
    revision: int
    survivor: str


async def _name_survivors(at: Snapshot, items: list[FeedItem]) -> None:
    """Adds to the items of records which entity they are merged into at their revision."""
    records = {(item.body["kind"], item.body["key"], item.revision): item for item in items if item.phase == ENTITIES}
    if not records:
        return
    kinds, keys, revisions = (list(column) for column in zip(*records, strict=True))
    rows = await fetch_rows(
        at.conn, _SurvivorAt, "survivors_at_revisions", tenant=at.tenant, kinds=kinds, keys=keys, revisions=revisions
    )
    for row in rows:
        records[row.kind, row.key, row.revision].body["replaced_by"] = row.survivor


async def _mark_conflicts(at: Snapshot, query: FeedQuery, items: list[FeedItem]) -> None:
    """Changes the state of linked items to ``conflict`` where another child holds the parent."""
    exclusive = {r.name for r in query.relationships if r.exclusive}
    linked: list[tuple[Claim, FeedItem]] = [
        ((item.body["relationship"], item.body["parent"], item.revision), item)
        for item in items
        if item.phase in (LINKS, PARENTS) and item.body["state"] == "linked" and item.body["relationship"] in exclusive
    ]
    held = await holders(at, list(dict.fromkeys(claim for claim, _ in linked)))
    for claim, item in linked:
        if claim in held and held[claim].child != item.body["child"]:
            item.body["state"] = "conflict"
