"""What changed since a place: every revision after it, in order, read from the versions that the tables keep.

Nothing is written for the feed, and nothing in it depends on when it is read: a revision, once committed, has its
items for ever, so a page may end anywhere and go on later. Revision by revision, in this order:

    0  versions of entities
    1  links that began, ended, or went over to another parent
    2  where a parent may have one child: a link that gained or lost its right because another came or went
    3  links whose parent's state turned: a parent for which 100,000 children wait gives 100,000 items
    4  what Tether announced
"""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from store.db.snapshot import Snapshot
from store.db.sql import sql
from store.read import feed_items
from store.read.feed_items import NOTHING, Item, Keys
from store.read.link_state import holders

WINDOW = 10_000
"""Facts that are looked through at a time, at most, where a filter leaves most of them out."""
SECONDS = 1.0
"""After so long a page is given out as it is."""
_PARENTS = 50
"""Parents whose children are read at a time: each may have as many as a page holds."""


class Asked(NamedTuple):
    """Which changes: links of some relationships, entities of one kind or (None) of all, facts about one or all."""

    links: tuple[Relationship, ...]
    entities: bool
    kind: str | None
    facts: bool
    relationship: str | None


def asked(catalog: Catalog, relationship: str | None, kind: str | None) -> Asked:
    """Neither given: everything. A relationship: its links and announcements. A kind: its entities. Raises Unknown."""
    if kind is not None:
        catalog.owner_of(kind)
    everything = relationship is None and kind is None
    links = tuple(catalog.relationships.values()) if everything else ()
    if relationship is not None:
        links = (catalog.relationship(relationship),)
    return Asked(links, relationship is None or kind is not None, kind, bool(links) or everything, relationship)


class Place(NamedTuple):
    """How far a reader has come: all before this revision, and of it all up to these keys of this phase."""

    revision: int = 0
    phase: int = 0
    keys: Keys = NOTHING

    def start(self, phase: int) -> tuple[int, Keys]:
        """After what a phase has to begin: a revision, and keys in it."""
        if phase == self.phase:
            return self.revision, self.keys
        return self.revision + (phase < self.phase), NOTHING


BEGINNING = Place()
_Phase = Callable[[Snapshot, "Asked", tuple[int, Keys], int, int], Awaitable[list[Item]]]


async def page(at: Snapshot, asked: Asked, place: Place, limit: int) -> tuple[list[Item], Place]:
    """Up to ``limit`` items after a place, and how far that is.

    There is more as long as the place lies before the head, even if a filter left nothing of what was read.
    """
    items: list[Item] = []
    facts, end = limit, monotonic() + SECONDS
    while len(items) < limit and place.revision <= at.head and monotonic() < end:
        last = await _window(at, place.revision, facts)
        room = limit - len(items)
        found = await _read(at, asked, place, last, room + 1)
        if len(found) > room:
            found = found[:room]
            place = Place(*found[-1][:3])
        else:
            place = Place(last + 1)
        items += found
        facts = facts if found else min(2 * facts, WINDOW)
    return await _with_rights(at, asked, items), place


async def _window(at: Snapshot, first: int, facts: int) -> int:
    """The last of the revisions from ``first`` on that hold about so many facts together; one at the least."""
    rows = await at.conn.fetch(sql("feed_revisions"), at.tenant, first, at.head, facts)
    for row in rows:
        facts -= row["facts"] or facts  # one without facts is a declaration's, of many links
        if facts <= 0:
            return int(row["revision"])
    return at.head


async def _read(at: Snapshot, asked: Asked, place: Place, last: int, size: int) -> list[Item]:
    found: list[Item] = []
    for phase, read in enumerate(_PHASES):
        start = place.start(phase)
        if start[0] <= last:
            found += await read(at, asked, start, last, size)
    return sorted(found, key=lambda item: item[:3])[:size]


async def _with_rights(at: Snapshot, asked: Asked, items: list[Item]) -> list[Item]:
    """Tells conflicts from links, where a parent may have one child."""
    exclusive = {r.name for r in asked.links if r.exclusive}
    claims = {
        (body["relationship"], body["parent"], revision): None
        for revision, phase, _, body in items
        if phase in (1, 3) and body["state"] == "linked" and body["relationship"] in exclusive
    }
    first = await holders(at, list(claims))
    for revision, phase, _, body in items:
        if phase in (1, 3):
            holder = first.get((body["relationship"], body["parent"], revision))
            if holder is not None and body["state"] == "linked" and holder["child"] != body["child"]:
                body["state"] = "conflict"
    return items


async def _entities(at: Snapshot, asked: Asked, start: tuple[int, Keys], last: int, size: int) -> list[Item]:
    if not asked.entities:
        return []
    first, (kind, key, _) = start
    rows = await at.conn.fetch(sql("feed_entities"), at.tenant, first, last, kind, key, asked.kind, size)
    return [feed_items.entity(row) for row in rows]


async def _links(at: Snapshot, asked: Asked, start: tuple[int, Keys], last: int, size: int) -> list[Item]:
    if not asked.links:
        return []
    first, (relationship, child, _) = start
    names, kinds = [r.name for r in asked.links], [r.parent for r in asked.links]
    rows = await at.conn.fetch(sql("feed_links"), at.tenant, first, last, names, relationship, child, size, kinds)
    return [feed_items.link(row) for row in rows]


async def _contested(at: Snapshot, asked: Asked, start: tuple[int, Keys], last: int, size: int) -> list[Item]:
    exclusive = [r for r in asked.links if r.exclusive]
    if not exclusive:
        return []
    names, kinds = [r.name for r in exclusive], [r.parent for r in exclusive]
    rows = await at.conn.fetch(sql("feed_contested"), at.tenant, start[0], last, names, kinds)
    claims = [(r["relationship"], r["parent"], r["revision"]) for r in rows]
    held = await holders(at, claims + [(name, parent, revision - 1) for name, parent, revision in claims])
    found: list[Item] = []
    for name, parent, revision in claims:
        now, before = held.get((name, parent, revision)), held.get((name, parent, revision - 1))
        if now is None or before is None or now["child"] == before["child"]:
            continue  # nobody beside the one that came or went, or the same one as before
        if before["to_revision"] > revision:
            found.append(feed_items.bond(2, revision, name, before["child"], parent, "conflict"))
        if now["from_revision"] < revision:
            found.append(feed_items.bond(2, revision, name, now["child"], parent, "linked"))
    return sorted((i for i in found if (i.revision, i.keys) > start), key=lambda i: i[:3])[:size]


async def _turned(at: Snapshot, asked: Asked, start: tuple[int, Keys], last: int, size: int) -> list[Item]:
    first, (relationship, parent, child) = start
    kinds = list({r.parent for r in asked.links})
    rows = await at.conn.fetch(sql("feed_turned"), at.tenant, first, last, kinds) if kinds else []
    turned: list[tuple[int, str, str, str]] = sorted(
        (row["revision"], rel.name, row["key"], row["state"])
        for row in rows
        for rel in asked.links
        if rel.parent == row["kind"]
    )
    turned = [t for t in turned if t[:3] >= (first, relationship, parent)]
    found: list[Item] = []
    for n in range(0, len(turned), _PARENTS):
        if len(found) >= size:
            break
        some = turned[n : n + _PARENTS]
        children = await at.conn.fetch(
            sql("children_of"),
            at.tenant,
            [name for _, name, _, _ in some],
            [key for _, _, key, _ in some],
            [child if t[:3] == (first, relationship, parent) else "" for t in some],
            [revision for revision, _, _, _ in some],
            [revision - 1 for revision, _, _, _ in some],
            size - len(found),
        )
        found += [feed_items.turned(row["child"], *some[row["n"] - 1]) for row in children]
    return found


async def _facts(at: Snapshot, asked: Asked, start: tuple[int, Keys], last: int, size: int) -> list[Item]:
    if not asked.facts:
        return []
    first, (id, _, _) = start
    rows: list[Any] = await at.conn.fetch(sql("feed_facts"), at.tenant, first, last, id, asked.relationship, size)
    return [feed_items.fact(row) for row in rows]


_PHASES: tuple[_Phase, ...] = (_entities, _links, _contested, _turned, _facts)
PHASES = len(_PHASES)
"""Kinds of changes within a revision."""
