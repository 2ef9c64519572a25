"""Which link a child has where it or its parent is merged, by the records that state it.

A pure function of records and survivors: `store/write/overlay.py` reads both, and writes the links.
"""

from __future__ import annotations

from collections.abc import Sequence

from catalog.relationship import OnMerge, Relationship
from facts.envelope import Entry
from store.write.diff import OpenedLink
from store.write.entity_state import UNRANKED, FoldedEntity
from store.write.survivors import Survivors

LOSERS_RANK = b"\xff"
"""Begins the rank of a child whose owner stated a loser: after the children of the survivor's own record."""


def at_survivor(names: Survivors, link: OpenedLink) -> OpenedLink:
    """The link to the survivor of the parent that was stated."""
    kind = link.relationship.parent
    parent = names.now(kind, link.parent)
    stated = link.parent if parent != link.parent else None
    rank = link.rank
    if rank is not None and names.losers(kind, parent):
        rank = _rank_among_merged(link.relationship, rank, stated)
    return link._replace(parent=parent, stated_parent=stated, rank=rank)


def own_link(
    names: Survivors, relationship: Relationship, records: Sequence[FoldedEntity], cause: Entry
) -> OpenedLink | None:
    """The link of a cluster as a child. ``records``: its members, the survivor first, then the losers by key."""
    survivor = records[0]
    stated = [(record, parent) for record in records if (parent := record.parent(relationship)) is not None]
    if relationship.parent == relationship.child and len(records) > 1:
        kind = relationship.parent
        stated = [(record, parent) for record, parent in stated if names.now(kind, parent) != survivor.key]
    if relationship.on_merge is OnMerge.KEEP_SURVIVORS:
        stated = [(record, parent) for record, parent in stated if record is survivor]
    if not stated:
        return None
    record, parent = stated[0]
    if record is not survivor or relationship.on_merge is OnMerge.KEEP_NEWEST:
        record, parent = max(stated, key=lambda one: one[0].reference(relationship)[0])
    return link_of(names, relationship, survivor.key, parent, record, cause)


def link_of(
    names: Survivors, relationship: Relationship, child: str, stated_parent: str, record: FoldedEntity, cause: Entry
) -> OpenedLink:
    """The link of a child, by the record that states the parent."""
    link = OpenedLink(
        relationship,
        child,
        stated_parent,
        record.rank(relationship),
        cause,
        record.parent_created(relationship),
        stated_child=None if record.key == child else record.key,
    )
    return at_survivor(names, link)


def depends_on_record(relationship: Relationship) -> bool:
    """Whether more of the child's record than its key decides its link to a parent: its rank, or its request."""
    return relationship.exclusive or relationship.requested is not None


def _rank_among_merged(relationship: Relationship, rank: bytes, stated_parent: str | None) -> bytes:
    """The rank of a child of a merged parent. ``rank``: by its creation; ``stated_parent``: the loser it names."""
    if relationship.on_merge is OnMerge.KEEP_NEWEST:
        return rank if rank == UNRANKED else b"\x00" + bytes(255 - byte for byte in rank) + b"\xff"
    return rank if stated_parent is None else LOSERS_RANK + rank
