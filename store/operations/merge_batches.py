"""Many merges in one request, each with an outcome of its own: one that would be refused alone harms no other.

They are decided in the order of the request, each as if those before it that are not refused had been recorded. All are
recorded in one transaction, and carried out by one operation: it counts what they have conserved, and lets the owner
retire their losers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.identity import SurvivorRule
from catalog.relationship import OnMerge
from facts.envelope import Entry
from facts.order_key import at_position
from facts.validation import check_text
from messages.operation_reasons import EndReason
from store.db.pool import Connection, Pool, transaction
from store.db.snapshot import snapshot
from store.db.sql import fetch_rows
from store.operations import identity_entries, merges
from store.operations.cluster_changes import ClusterChange
from store.operations.merge_checks import LAST, NewMerge, check_kind, forbidden_reason
from store.operations.merge_conflicts import find_conflicts
from store.write import merge_pairs
from store.write.clusters import Clusters, MergedPair, find_clusters
from store.write.merge_pairs import ForbiddenPair
from store.write.settle import settle
from store.write.tenant_lock import lock


@dataclass(slots=True)
class MergeOutcomes:
    """What became of merges, or would become of them, by their position.

    ``merged``: those that are recorded; ``already``: those that change nothing, since all their pairs are merged, or
    since a merge with their id was recorded before; ``refused``: why each other one is. ``operation``: the id of the
    one that proves what is merged, and retires losers; None: nothing is.
    """

    revision: int = 0
    operation: str | None = None
    merged: list[int] = field(default_factory=list)
    already: list[int] = field(default_factory=list)
    refused: dict[int, EndReason] = field(default_factory=dict)


class _KnownMerge(NamedTuple):
    """A row of ``merges``."""

    id: str
    kind: str
    survivor: str
    losers: list[str]


class _MarkedKey(NamedTuple):
    key: str


async def run(
    pool: Pool, catalog: Catalog, tenant: str, kind: str, new: Sequence[NewMerge], actor: str
) -> MergeOutcomes:
    """Records merges of one kind, each with an id. Raises Unknown, and Conflict for a kind that cannot be merged."""
    _check(catalog, kind, new)
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        batch = _MergeBatch(conn, catalog, tenant, kind, new)
        entries = await batch.decide(locked.now)
        batch.outcomes.revision = locked.revision
        if entries:
            revision = batch.outcomes.revision = (await settle(conn, catalog, tenant, entries, actor)).revision
            recorded = [new[index] for index in batch.outcomes.merged]
            batch.outcomes.operation = await merges.start_batch(conn, catalog, tenant, kind, recorded, revision, actor)
        return batch.outcomes


async def preview(pool: Pool, catalog: Catalog, tenant: str, kind: str, new: Sequence[NewMerge]) -> MergeOutcomes:
    """Works out what `run` would do now. Nothing is recorded."""
    _check(catalog, kind, new)
    async with snapshot(pool, tenant) as at:
        batch = _MergeBatch(at.conn, catalog, tenant, kind, new)
        await batch.decide(at.now)
        batch.outcomes.revision = at.revision
        return batch.outcomes


def _check(catalog: Catalog, kind: str, new: Sequence[NewMerge]) -> None:
    check_kind(catalog, kind)
    for merge in new:
        check_text((merge.id, merge.survivor, merge.losers, merge.reason))


@dataclass(slots=True)
class _NewRow:
    """A merge that is to be decided. ``pairs``: those of its pairs that are not merged; ``entries``: their facts."""

    index: int
    pairs: list[MergedPair]
    entries: list[Entry]


@dataclass(slots=True)
class _MergeBatch:
    """Merges of one request. ``pairs``, ``apart``: all that are connected with their keys, as they are; ``taken``: the
    pairs of those that were taken so far, ``recorded``: their ids. ``contested``: ids of several different merges."""

    conn: Connection
    catalog: Catalog
    tenant: str
    kind: str
    new: Sequence[NewMerge]
    outcomes: MergeOutcomes = field(default_factory=MergeOutcomes)
    pairs: list[MergedPair] = field(default_factory=list)
    apart: list[ForbiddenPair] = field(default_factory=list)
    taken: set[tuple[str, str]] = field(default_factory=set)
    recorded: dict[str, _KnownMerge] = field(default_factory=dict)
    contested: set[str] = field(default_factory=set)

    async def decide(self, now: datetime) -> list[Entry]:
        """Decides all merges; returns the facts of those that are not refused. ``now``: the database's time."""
        keys = {key for merge in self.new for key in (merge.survivor, *merge.losers)}
        self.pairs, self.apart = await merge_pairs.connected(self.conn, self.tenant, self.kind, keys)
        before = self._clusters(self.pairs)
        rows = await self._rows(before, now)
        every = [pair for row in rows for pair in row.pairs]
        component = find_clusters([*self.pairs, *every], (), self._rule).survivors
        change = ClusterChange(before, self._clusters(self._with(self.pairs, every)))
        odd = {component[loser] for loser, _ in change.newly_set_aside}
        odd |= {component[key] for key in await self._refusing(change, set(change.after.survivors.values()))}
        odd |= {component[m.survivor] for row in rows if (m := self.new[row.index]).id in self.contested}
        entries: list[Entry] = []
        doubtful = []
        for row in rows:
            if component[self.new[row.index].survivor] in odd:
                doubtful.append(row)
            else:
                entries += self._take(row)
        near = [pair for pair in self.pairs if component[pair.loser] in odd]
        return entries + await self._one_by_one(before, near, doubtful)

    async def _rows(self, before: Clusters, now: datetime) -> list[_NewRow]:
        """The merges that are still to be decided, with what each would add."""
        joined = {(pair.loser, pair.survivor) for pair in self.pairs} - before.set_aside.keys()
        known = await self._known()
        named: dict[str, _KnownMerge] = {}
        left: list[tuple[int, NewMerge, list[str]]] = []
        for index, merge in enumerate(self.new):
            losers = [loser for loser in merge.losers if (loser, merge.survivor) not in joined]
            if not self._may_be(known.get(merge.id), index):
                continue
            if merge.id in known or not losers:
                self.outcomes.already.append(index)
            else:
                if not _is_same(named.setdefault(merge.id, self._row(merge)), self.kind, merge):
                    self.contested.add(merge.id)  # whether it is used depends on what becomes of the one before
                left.append((index, merge, losers))
        merges = [NewMerge(m.id, m.kind, m.survivor, tuple(losers), m.reason) for _, m, losers in left]
        facts = await identity_entries.of_merges(self.conn, self.tenant, self.kind, merges, now=now)
        return [
            _NewRow(
                index,
                [
                    MergedPair(loser, merge.survivor, at_position(entry.order, LAST))
                    for entry in entries
                    for loser in entry.data["losers"]
                ],
                entries,
            )
            for (index, merge, _), entries in zip(left, facts, strict=True)
        ]

    async def _known(self) -> dict[str, _KnownMerge]:
        ids = [merge.id for merge in self.new]
        rows = await fetch_rows(self.conn, _KnownMerge, "known_merges", tenant=self.tenant, ids=ids)
        return {row.id: row for row in rows}

    async def _one_by_one(self, before: Clusters, near: list[MergedPair], rows: Sequence[_NewRow]) -> list[Entry]:
        """Decides merges of which not all can be recorded. ``near``: the pairs that are connected with theirs."""
        entries: list[Entry] = []
        for row in rows:
            if not self._may_be(self.recorded.get(self.new[row.index].id), row.index):
                continue
            trial = self._with(near, row.pairs)
            change = ClusterChange(self._clusters(near), self._clusters(trial))
            paths = [*change.newly_set_aside.values()]
            if paths:
                self.outcomes.refused[row.index] = forbidden_reason(self.kind, paths[0])
                continue
            whole = ClusterChange(before, change.after)
            refusing = await self._refusing(whole, {change.after.survivors[row.pairs[0].survivor]})
            if refusing:
                self.outcomes.refused[row.index] = next(iter(refusing.values()))
                continue
            near = trial
            entries += self._take(row)
        self.outcomes.merged.sort()
        self.outcomes.already.sort()
        return entries

    def _may_be(self, recorded: _KnownMerge | None, index: int) -> bool:
        """Whether a merge is the one that was recorded by its id, or none was; refuses it if not."""
        merge = self.new[index]
        if recorded is None or _is_same(recorded, self.kind, merge):
            return True
        self.outcomes.refused[index] = EndReason("merge_id_used", {"merge": merge.id})
        return False

    def _row(self, merge: NewMerge) -> _KnownMerge:
        return _KnownMerge(merge.id, self.kind, merge.survivor, list(merge.losers))

    def _take(self, row: _NewRow) -> list[Entry]:
        """Takes a merge that is not refused; returns its facts, or none if one before it has merged the same pairs."""
        pairs = {(pair.loser, pair.survivor) for pair in row.pairs}
        new = bool(pairs - self.taken)
        self.taken |= pairs
        if new:
            merge = self.new[row.index]
            self.recorded[merge.id] = self._row(merge)
        (self.outcomes.merged if new else self.outcomes.already).append(row.index)
        return row.entries if new else []

    async def _refusing(self, change: ClusterChange, survivors: Collection[str]) -> dict[str, EndReason]:
        """Those of these clusters whose links conflict by a relationship that refuses it → the first reason.

        Only clusters with at least two keys that have links are looked at, one by one.
        """
        members: dict[str, list[str]] = {}
        for key, survivor in change.after.survivors.items():
            if survivor in survivors:
                members.setdefault(survivor, []).append(key)
        changed = {
            survivor: keys for survivor, keys in members.items() if any(change.was(key) != survivor for key in keys)
        }
        marked = await self._marked([key for keys in changed.values() for key in keys])
        found: dict[str, EndReason] = {}
        for survivor, keys in changed.items():
            if sum(key in marked for key in keys) < 2:
                continue
            of_one = ClusterChange(change.before, Clusters(dict.fromkeys(keys, survivor)))
            for conflict in await find_conflicts(self.conn, self.catalog, self.tenant, self.kind, of_one):
                if conflict.refused:
                    found.setdefault(survivor, conflict.reason)
        return found

    async def _marked(self, keys: list[str]) -> set[str]:
        """Those of these keys that may have a link by a relationship that refuses merges."""
        own = [r for r in self.catalog.references.get(self.kind, ()) if r.on_merge is OnMerge.REFUSE]
        only = [r for r in self.catalog.by_parent.get(self.kind, ()) if r.exclusive and r.on_merge is OnMerge.REFUSE]
        found: set[str] = set()
        if own and keys:
            rows = await fetch_rows(
                self.conn,
                _MarkedKey,
                "linked_records",
                tenant=self.tenant,
                kind=self.kind,
                alone=[],
                merged=keys,
                relationships=[relationship.name for relationship in own],
                fields=[relationship.root for relationship in own if relationship.root is not None],
            )
            found |= {row.key for row in rows}
        if only and keys:
            rows = await fetch_rows(
                self.conn,
                _MarkedKey,
                "keys_with_children",
                tenant=self.tenant,
                keys=keys,
                relationships=[relationship.name for relationship in only],
            )
            found |= {row.key for row in rows}
        return found

    @property
    def _rule(self) -> SurvivorRule:
        return self.catalog.contracts.merging[self.kind].survivor

    def _clusters(self, pairs: Sequence[MergedPair]) -> Clusters:
        return find_clusters(pairs, self.apart, self._rule)

    def _with(self, pairs: Sequence[MergedPair], new: Sequence[MergedPair]) -> list[MergedPair]:
        """All pairs, of which new ones replace those between the same keys."""
        replaced = {(pair.loser, pair.survivor) for pair in new}
        return [*(pair for pair in pairs if (pair.loser, pair.survivor) not in replaced), *new]


def _is_same(row: _KnownMerge, kind: str, merge: NewMerge) -> bool:
    """Whether a known merge is this one. Of losers that were merged already when it was recorded, it names none."""
    return (row.kind, row.survivor) == (kind, merge.survivor) and {*row.losers} <= {*merge.losers}
