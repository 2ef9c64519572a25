"""The proof of a merge: everything that belongs to its keys, counted and hashed before and after, key by key.

Rows keep their versions, so both sides are read as of two revisions: that of the merge, and the one before it. Every
*part* must be the same on both sides for each key: activity and links (`store/write/conservation.py`), and the data of
links. Of the links of the keys as children, one may be set aside where two of them name a parent: each of those is
listed with the rule that decided, and one that no rule explains is a loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows, fetch_value
from store.write.conservation import Tally, conservation
from store.write.own_links import OwnLinks, Side, compare

_HALF = 1 << 64

Part = Mapping[str, Tally]
"""Key that items were recorded under → how many they are, and their hash."""


@dataclass(frozen=True, slots=True)
class _DataSums:
    """Of the links to one key: how many, and the sums of the halves of the hash of each, with the data of its child."""

    origin: str
    count: int
    high: Decimal
    low: Decimal


class _Alias(NamedTuple):
    key: str
    survivor: str


@dataclass(frozen=True, slots=True)
class ProvenMerge:
    """Both sides of a merge. ``before``, ``after``: name of a part → part; ``own_links``: of the keys as children.

    ``alone``: whether the revision of the merge has no other facts; else differences may come from those.
    ``relationships``: the names of those that were counted; ``names``: member → survivor, before and after.
    """

    kind: str
    members: tuple[str, ...]
    revisions: tuple[int, int]
    before: Mapping[str, Part]
    after: Mapping[str, Part]
    own_links: OwnLinks
    alone: bool
    relationships: tuple[str, ...]
    names: tuple[Mapping[str, str], Mapping[str, str]]

    @property
    def lost(self) -> str:
        """What the merge did not conserve, as a sentence; empty: it conserved everything."""
        for name, before in self.before.items():
            for key in self.members:
                was, now = before[key], self.after[name][key]
                if was != now:
                    same_number = ", and not the same" if was.count == now.count else ""
                    what = name.replace("_", " ")
                    return f"{what} of {self.kind} {key!r}: {was.count} before, {now.count} after{same_number}"
        return self.own_links.lost

    def part(self, key: str) -> ProvenMerge:
        """What is about the entity alone that a key is after the merge, if several were merged in one revision."""
        earlier, later = self.names
        members = tuple(member for member in self.members if later[member] == later[key])
        changed = any(earlier[member] != later[member] for member in members)
        now = {name: {member: part[member] for member in members} for name, part in self.after.items()}
        was = {name: {member: part[member] for member in members} for name, part in self.before.items()}
        return replace(
            self,
            members=members,
            revisions=self.revisions if changed else (self.revisions[1], self.revisions[1]),
            before=was if changed else now,
            after=now,
            own_links=self.own_links.of(members),
        )

    def to_json(self) -> dict[str, Any]:
        """For the table and the API."""
        return {
            "revisions": self.revisions,
            "alone": self.alone,
            "lost": self.lost,
            "keys": [
                {"key": key, "before": _tallies(self.before, key), "after": _tallies(self.after, key)}
                for key in self.members
            ],
            "own_links": self.own_links.to_json(),
            "relationships": self.relationships,
        }


def _tallies(parts: Mapping[str, Part], key: str) -> dict[str, dict[str, int | str]]:
    return {name: {"count": part[key].count, "hash": part[key].hash} for name, part in parts.items()}


async def prove(at: Snapshot, catalog: Catalog, kind: str, keys: Sequence[str], revision: int) -> ProvenMerge:
    """Counts what a merge has conserved. ``keys``: that it names; ``revision``: of its facts, which ``at`` can read."""
    after_merge = replace(at, revision=revision)
    later = await _clusters(after_merge, kind, keys)
    before_merge = replace(at, revision=revision - 1)
    earlier = await _clusters(before_merge, kind, [*later])
    members = tuple(sorted(later.keys() | earlier.keys(), key=str.encode))
    later = await _clusters(after_merge, kind, members)
    if all(earlier.get(key, key) == later.get(key, key) for key in members):
        before_merge, earlier = after_merge, later  # it changes nothing, and its revision may be of other facts
    before, after = _side(before_merge, kind, members, earlier), _side(after_merge, kind, members, later)
    alone = before_merge is after_merge or await fetch_value(
        at.conn, "is_merge_alone", tenant=at.tenant, revision=revision
    )
    return ProvenMerge(
        kind,
        members,
        (before_merge.revision, revision),
        await _count(before_merge, catalog, before),
        await _count(after_merge, catalog, after),
        await compare(at.conn, catalog, before, after),
        alone,
        counted_relationships(catalog, kind),
        (before.names, after.names),
    )


def counted_relationships(catalog: Catalog, kind: str) -> tuple[str, ...]:
    """The names of the relationships of a kind, whose links a proof counts."""
    return tuple(sorted({r.name for r in (*catalog.referred.get(kind, ()), *catalog.references.get(kind, ()))}))


def _side(at: Snapshot, kind: str, members: tuple[str, ...], survivors: Mapping[str, str]) -> Side:
    return Side(at.tenant, kind, at.revision, {key: survivors.get(key, key) for key in members})


async def _count(at: Snapshot, catalog: Catalog, side: Side) -> dict[str, Part]:
    counted = await conservation(at, catalog, side.kind, side.members)
    return {
        "activity": {tally.origin: tally for tally in counted.activity},
        "links": {tally.origin: tally for tally in counted.links},
        "link_data": await _link_data(at, catalog, side),
    }


async def _link_data(at: Snapshot, catalog: Catalog, side: Side) -> Part:
    """The links of others to each member, each with all fields of its child: a role, a date."""
    relationships = catalog.referred.get(side.kind, ())
    rows = await fetch_rows(
        at.conn,
        _DataSums,
        "sums_of_link_data",
        tenant=side.tenant,
        kind=side.kind,
        relationships=[relationship.name for relationship in relationships],
        child_kinds=[relationship.child for relationship in relationships],
        members=list(side.members),
        survivors=list(side.survivors),
        revision=side.revision,
    )
    found = {
        row.origin: Tally(row.origin, row.count, f"{int(row.high) % _HALF:016x}{int(row.low) % _HALF:016x}")
        for row in rows
    }
    return {key: found.get(key, Tally(key, 0, "0" * 32)) for key in side.members}


async def _clusters(at: Snapshot, kind: str, keys: Sequence[str]) -> dict[str, str]:
    """Key → survivor, of all keys of the entities that these keys stand for, those included that are not merged."""
    rows = await fetch_rows(
        at.conn, _Alias, "clusters_at", tenant=at.tenant, kind=kind, keys=list(keys), revision=at.revision
    )
    return {row.key: row.survivor for row in rows}
