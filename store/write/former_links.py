"""Links of children that were requested for a former incarnation of their parent.

Such a child names its parent and the creation of it that was known when the child was requested. If the parent's newest
deletion came after that creation, the child belongs to what was deleted: its link is broken, also while the parent is
live again. That follows from the facts alone. It is stored with the link when one of the two sides changes, so that
readers need not derive it.

Of merged parents the record counts that the child was requested for. If that is deleted it was retired: its last life
goes on in the survivor, and only what was requested for an earlier one is of a former incarnation. While nothing is
known of the survivor, all of its children wait for it.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from catalog.catalog import Catalog
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.write.diff import ClosedLink, Diff, EntityKey, OpenedLink, StateChange
from store.write.entity_state import FoldedEntity, find_entities
from store.write.last_lives import last_lives


class _RequestedChild(NamedTuple):
    """A row of ``links_to_recreated``. ``named``: the key of the parent that was stated."""

    relationship: str
    child: str
    parent: str
    named: str
    rank: bytes | None
    former: bool
    stated_child: str | None


class _RelivedParent(NamedTuple):
    """A record whose lives may be others than before. ``survivor``: the key under which it goes on."""

    kind: str
    key: str
    survivor: str
    cause: Entry


async def mark(conn: Connection, catalog: Catalog, tenant: str, diff: Diff, facts: Sequence[Entry]) -> None:
    """Marks the links of a difference that are of former incarnations, and adds those links to it that become so.

    ``facts``: the new ones that the difference was computed from.
    """
    records = _Records(conn, catalog, tenant, diff, facts)
    if any(link.parent_created is not None for link in diff.opened):
        await _mark_opened(records, diff)
    parents = [
        _RelivedParent(*change.at, change.entity.key, change.cause)
        for change in (*diff.state_changes, *diff.ends)
        if change.entity.kind in catalog.requesting and change.entity.state != "deleted" and _was_ended(change)
    ]
    parents += [_RelivedParent(*lost) for lost in diff.losers if lost.kind in catalog.requesting]
    if parents:
        await _add_reopened(records, diff, parents)


def _was_ended(change: StateChange) -> bool:
    """Whether a deletion of the entity is known, or was, and is void now: maybe with all other facts about it."""
    return bool(change.entity.ended) or (change.entity.stored and not change.was_placeholder)


class _Records:
    """The records of entities after a difference: those of retired losers are of their last life."""

    def __init__(self, conn: Connection, catalog: Catalog, tenant: str, diff: Diff, facts: Sequence[Entry]) -> None:
        self.conn, self.catalog, self.tenant = conn, catalog, tenant
        self._facts = facts
        self._known = {(entity.kind, entity.key): entity for entity in (*diff.versions, *diff.touched)}

    async def find(self, wanted: Collection[EntityKey], losers: Collection[EntityKey]) -> dict[EntityKey, FoldedEntity]:
        """The records of these entities; empty ones of those that have none. ``losers``: those of them that are merged
        into others."""
        found = {at: self._known[at] for at in wanted if at in self._known}
        left = {*wanted} - found.keys()
        stored = await find_entities(self.conn, self.tenant, left) if left else []
        found |= {(entity.kind, entity.key): entity for entity in stored}
        found |= {at: FoldedEntity(*at) for at in left - found.keys()}
        retired = [at for at in losers if found[at].state == "deleted"]
        return found | await last_lives(self.conn, self.catalog, self.tenant, retired, self._facts)


async def _mark_opened(records: _Records, diff: Diff) -> None:
    requested = [link for link in diff.opened if link.parent_created is not None]
    parents = {at for link in requested for at in (_stated(link), (link.relationship.parent, link.parent))}
    found = await records.find(parents, {_stated(link) for link in requested if link.stated_parent is not None})
    diff.opened = [
        link
        if link.parent_created is None
        else link._replace(
            former=_is_of_former(
                link.parent_created, found[_stated(link)], found[link.relationship.parent, link.parent]
            )
        )
        for link in diff.opened
    ]


def _is_of_former(created: bytes | None, record: FoldedEntity, survivor: FoldedEntity) -> bool:
    """Whether what was created then has ended. ``record``: of what was created; ``survivor``: it goes on as that."""
    return is_former(created, record.ended) and survivor.state != "unknown"


def _stated(link: OpenedLink) -> EntityKey:
    return link.relationship.parent, link.stated_parent or link.parent


async def _add_reopened(records: _Records, diff: Diff, parents: Collection[_RelivedParent]) -> None:
    """Ends links to parents that exist again, and begins them as what they are now: of a former incarnation or not."""
    catalog = records.catalog
    wanted = {
        (relationship.name, parent.key): (relationship, parent)
        for parent in parents
        for relationship in catalog.requesting[parent.kind]
    }
    rows = await fetch_rows(
        records.conn,
        _RequestedChild,
        "links_to_recreated",
        tenant=records.tenant,
        relationships=[name for name, _ in wanted],
        parents=[parent.survivor for _, parent in wanted.values()],
        stated=[parent.key for _, parent in wanted.values()],
    )
    links: list[OpenedLink | ClosedLink] = [*diff.opened, *diff.closed]
    changed = {(link.relationship.name, link.child) for link in links}
    left = [row for row in rows if (row.relationship, row.child) not in changed]
    if not left:
        return
    losers = {(parent.kind, parent.key) for parent in parents if parent.key != parent.survivor}
    survivors = {(parent.kind, parent.survivor) for parent in parents}
    found = await records.find({(parent.kind, parent.key) for parent in parents} | survivors, losers)
    children = {(wanted[row.relationship, row.named][0].child, row.stated_child or row.child) for row in left}
    merged = {
        (wanted[row.relationship, row.named][0].child, row.stated_child) for row in left if row.stated_child is not None
    }
    stated = await records.find(children, merged)
    for row in left:
        relationship, parent = wanted[row.relationship, row.named]
        created = stated[relationship.child, row.stated_child or row.child].parent_created(relationship)
        former = _is_of_former(created, found[parent.kind, parent.key], found[parent.kind, parent.survivor])
        if former != row.former:
            diff.closed.append(ClosedLink(relationship, row.child, row.parent, parent.cause))
            named = None if row.named == row.parent else row.named
            link = OpenedLink(relationship, row.child, row.parent, row.rank, parent.cause, created, former=former)
            diff.opened.append(link._replace(stated_child=row.stated_child, stated_parent=named))


def is_former(created: bytes | None, ended: bytes) -> bool:
    """Whether what was created then has ended. ``ended``: the order key of the newest deletion; empty: none."""
    return created is not None and ended > created
