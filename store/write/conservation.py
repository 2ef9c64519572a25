"""Counts and hashes what belongs to each key of an entity, to prove that merge and undo lose nothing.

A merge changes through which key activity and links are read, never what was recorded under which key. So the tallies
of all keys of an entity are the same before and after: before, of the entities that are merged; after, of the one that
remains. A hash is the sum of the SHA-256 of each item, so that order means nothing, and an item twice is not one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from catalog.catalog import Catalog
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows
from store.write.entity_state import FoldedEntity, StoredEntity

_HALF = 1 << 64


@dataclass(frozen=True, slots=True)
class Tally:
    """What was recorded under one key. ``hash``: 32 hexadecimal digits, zeros for nothing."""

    origin: str
    count: int
    hash: str


class Conservation(NamedTuple):
    """All origin keys of some entities, by their bytes, each with its activity and its links."""

    activity: list[Tally]
    links: list[Tally]


class StatedLink(NamedTuple):
    """A link as the record of its child states it."""

    relationship: str
    child: str
    parent: str


class _OriginRow(NamedTuple):
    origin: str
    survivor: str


@dataclass(frozen=True, slots=True)
class _TallyRow:
    origin: str
    count: int
    high: int
    low: int


async def conservation(at: Snapshot, catalog: Catalog, kind: str, keys: Collection[str]) -> Conservation:
    """Counts and hashes the activity and the links of entities as of a revision.

    ``keys``: some keys of one kind. All keys that are the same entities as these are tallied: so before a merge name
    the survivor and the losers, after it the survivor alone. ``at``: in a transaction that writes, its own revision can
    be read too.
    """
    origins = await fetch_rows(
        at.conn, _OriginRow, "origins_at", tenant=at.tenant, kind=kind, keys=list(keys), revision=at.revision
    )
    names = [row.origin for row in origins]
    stated = await _stated(at, catalog, kind, names)
    activity = await fetch_rows(
        at.conn, _TallyRow, "tally_activity", tenant=at.tenant, kind=kind, origins=names, revision=at.revision
    )
    links = await fetch_rows(
        at.conn,
        _TallyRow,
        "tally_links",
        tenant=at.tenant,
        revision=at.revision,
        origins=names,
        survivors=list({row.survivor for row in origins}),
        relationships=[r.name for r in catalog.referred.get(kind, ())],
        within=[r.name for r in catalog.referred.get(kind, ()) if r.child == kind],
        stated_relationships=[link.relationship for link in stated],
        stated_children=[link.child for link in stated],
        stated_parents=[link.parent for link in stated],
    )
    return Conservation(_tallies(activity), _tallies(links))


async def _stated(at: Snapshot, catalog: Catalog, kind: str, keys: list[str]) -> list[StatedLink]:
    """The parents that the records of these keys state, whether a merge sets the links aside or not."""
    relationships = catalog.references.get(kind, ())
    if not relationships:
        return []
    rows = await fetch_rows(
        at.conn, StoredEntity, "child_records_at", tenant=at.tenant, kind=kind, keys=keys, revision=at.revision
    )
    records = [FoldedEntity.of_row(row) for row in rows]
    return [
        StatedLink(relationship.name, record.key, parent)
        for record in records
        for relationship in relationships
        if (parent := record.parent(relationship)) is not None
    ]


def _tallies(rows: Sequence[_TallyRow]) -> list[Tally]:
    return [Tally(row.origin, row.count, f"{int(row.high) % _HALF:016x}{int(row.low) % _HALF:016x}") for row in rows]
