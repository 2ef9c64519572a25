"""Pairs of keys that facts merge, unmerge, forbid or allow: of each the last fact, and the clusters that follow."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import orjson

from catalog.catalog import Catalog
from catalog.identity import IdentityEffect
from facts import identity
from facts.envelope import Entry
from facts.identity import OWN_EFFECTS, Pair
from facts.own_facts import VOIDED
from store.db.pool import Connection
from store.db.sql import execute, fetch_rows
from store.write.clusters import Clusters, MergedPair, find_clusters
from store.write.ledger import LedgerFact, entry_of

Table: TypeAlias = Literal["merge", "forbidden"]


class PairRow(NamedTuple):
    """The last fact about a pair. ``holds``: whether it merges the pair, or forbids it; ``order_key``: the fact's."""

    one: str
    other: str
    holds: bool
    order_key: bytes
    source: str
    id: str


class ForbiddenPair(NamedTuple):
    """Two keys that must never be merged, the smaller one first."""

    one: str
    other: str


class _StoredPair(NamedTuple):
    """A row of ``merge_pairs``, or of ``forbidden_pairs`` (``table``); ``set_aside``: None of those."""

    table: Table
    one: str
    other: str
    holds: bool
    order_key: bytes
    set_aside: list[str] | None


PairKey: TypeAlias = tuple[Table, Pair]
NewPairs: TypeAlias = dict[PairKey, PairRow | None]
"""Pairs → the last fact about each; None: no fact is left that counts."""

_STORE: dict[Table, str] = {"merge": "store_merge_pairs", "forbidden": "store_forbidden_pairs"}
_DELETE: dict[Table, str] = {"merge": "delete_merge_pairs", "forbidden": "delete_forbidden_pairs"}
_PAIRS = "tenant kind loser survivor merged order_key source id"
_HOLDS = (IdentityEffect.MERGED, IdentityEffect.FORBIDDEN)
_TABLE: dict[IdentityEffect, Table] = {
    IdentityEffect.MERGED: "merge",
    IdentityEffect.UNMERGED: "merge",
    IdentityEffect.FORBIDDEN: "forbidden",
    IdentityEffect.ALLOWED: "forbidden",
}


@dataclass(frozen=True, slots=True)
class ChangedClusters:
    """What new facts about identity make of the clusters of one kind.

    ``clusters``: all that are connected with a pair of the facts, as they are now; ``keys``: theirs, and those of pairs
    that are in none any more. ``merged_before``: those of them that were in a merged pair, and may have an alias.
    ``merges``: the facts that merge, each with its pairs.
    """

    clusters: Clusters
    keys: list[str]
    merged_before: set[str]
    merges: list[tuple[Entry, list[Pair]]]


def is_about_identity(catalog: Catalog, entry: Entry) -> bool:
    """Whether a new fact can change which keys are the same: one about identity, or one that voids such a fact."""
    if entry.effect is not None:
        return False
    if entry.name == VOIDED:
        return identity.effect_of(catalog, entry.data["source"], entry.data["type"]) is not None
    return identity.effect_of(catalog, entry.source, entry.type) is not None


async def record(conn: Connection, catalog: Catalog, tenant: str, kind: str, facts: Sequence[Entry]) -> ChangedClusters:
    """Stores what new facts about identity say about pairs of one kind, and which pairs are set aside now.

    The pairs that are connected with theirs are read once, as they were; what they become is worked out in memory.
    """
    newest: NewPairs = {}
    merges: list[tuple[Entry, list[Pair]]] = []
    for entry in facts:
        if entry.name != VOIDED:
            effect, pairs = _add(newest, catalog, entry)
            if effect is IdentityEffect.MERGED:
                merges.append((entry, pairs))
    voiding = {e.key for e in facts if e.name == VOIDED}
    of_voided = await _of_ledger(conn, catalog, tenant, kind, voiding, facts) if voiding else {}
    keys = {key for _, pair in (*newest, *of_voided) for key in pair[1:]}
    stored = await _connected(conn, tenant, kind, keys)
    for at, row in stored.items():
        new = newest.get(at)
        if new is not None and row.order_key > new.order_key:
            del newest[at]
    newest |= of_voided
    in_force, forbidden = _in_force(kind, stored, newest)
    found = find_clusters(in_force, forbidden, catalog.contracts.merging[kind].survivor)
    for table in _STORE:
        of_table = {pair: row for (name, pair), row in newest.items() if name == table}
        await _store(conn, tenant, kind, table, of_table, stored)
    unchanged = {at: row for at, row in stored.items() if at not in newest}
    if found.set_aside or any(row.set_aside is not None for row in unchanged.values()):
        await _set_aside(conn, tenant, kind, in_force, found, unchanged)
    merged = {key for (table, pair), row in stored.items() if table == "merge" and row.holds for key in pair[1:]}
    return ChangedClusters(found, sorted(keys | found.survivors.keys(), key=str.encode), merged, merges)


def _add(newest: NewPairs, catalog: Catalog, entry: Entry) -> tuple[IdentityEffect | None, list[Pair]]:
    """Adds what a fact says about its pairs, where it is later than what is there. Returns both; None: it is about
    none."""
    effect = identity.effect_of(catalog, entry.source, entry.type)
    if effect is None:
        return None, []
    table, holds, order = _TABLE[effect], effect in _HOLDS, entry.order
    pairs = [*identity.pairs(catalog, entry.source, entry.type, entry.kind, entry.key, entry.data)]
    for pair in pairs:
        at = table, pair
        known = newest.get(at)
        if known is None or order > known.order_key:
            newest[at] = PairRow(pair.one, pair.other, holds, order, entry.source, entry.id)
    return effect, pairs


async def _connected(conn: Connection, tenant: str, kind: str, keys: Collection[str]) -> dict[PairKey, _StoredPair]:
    """The stored pairs that are connected with these keys by merged pairs, and the forbidden ones among them all."""
    if not keys:
        return {}
    rows = await fetch_rows(conn, _StoredPair, "pairs_of_keys", tenant=tenant, kind=kind, keys=list(keys))
    around = {key for row in rows if row.table == "merge" and row.holds for key in (row.one, row.other)}
    if not around <= {*keys}:  # most keys are new, or in clusters of two: only others are worth a recursion
        keys = around | {*keys}
        rows = await fetch_rows(conn, _StoredPair, "connected_pairs", tenant=tenant, kind=kind, keys=list(keys))
    return {(row.table, Pair(kind, row.one, row.other)): row for row in rows}


def _in_force(
    kind: str, stored: Mapping[PairKey, _StoredPair], newest: NewPairs
) -> tuple[list[MergedPair], list[ForbiddenPair]]:
    """The pairs that are merged, and those that are forbidden, once new facts replace what is stored."""
    rows = {**stored, **newest}
    pairs, forbidden = [], []
    for (table, _), row in rows.items():
        if row is None or not row.holds:
            continue
        if table == "merge":
            pairs.append(MergedPair(row.one, row.other, row.order_key))
        else:
            forbidden.append(ForbiddenPair(row.one, row.other))
    return pairs, forbidden


async def _set_aside(
    conn: Connection,
    tenant: str,
    kind: str,
    pairs: Sequence[MergedPair],
    found: Clusters,
    unchanged: Mapping[PairKey, _StoredPair],
) -> None:
    """Stores which pairs are set aside and why, of those of which the rows say something else: the way that a pair
    would open changes with the pairs on it. ``unchanged``: pairs of which no new fact counts; those of which one does
    are stored as joined."""
    paths: dict[tuple[str, str], list[str] | None] = {}
    for pair in pairs:
        path = found.set_aside.get((pair.loser, pair.survivor))
        row = unchanged.get(("merge", Pair(kind, pair.loser, pair.survivor)))
        if path != (None if row is None else row.set_aside):
            paths[pair.loser, pair.survivor] = path
    if paths:
        await execute(
            conn,
            "set_pairs_aside",
            tenant=tenant,
            kind=kind,
            losers=[loser for loser, _ in paths],
            survivors=[survivor for _, survivor in paths],
            paths=[None if path is None else orjson.dumps(path).decode() for path in paths.values()],
        )


async def _of_ledger(
    conn: Connection, catalog: Catalog, tenant: str, kind: str, keys: Collection[str], facts: Sequence[Entry]
) -> NewPairs:
    """The last facts about all pairs of which facts about these keys speak, by the ledger; None: none is left."""
    declared = [t for t, c in catalog.contracts.by_type.items() if c.identity is not None and c.kind == kind]
    types = [*declared, *OWN_EFFECTS, f"{VOIDED}.v1"]
    found: NewPairs = {}
    entries = await _identity_facts(conn, catalog, tenant, kind, keys, types)
    pairs = {at for entry in (*entries, *facts) if entry.name != VOIDED for at in _said(catalog, entry)}
    entries += await _identity_facts(conn, catalog, tenant, kind, {k for _, p in pairs for k in p[1:]} - {*keys}, types)
    every = [*entries, *facts]
    voided = {(e.data["source"], e.data["id"]) for e in every if e.name == VOIDED}
    found |= dict.fromkeys(pairs)
    for entry in every:
        if entry.name != VOIDED and (entry.source, entry.id) not in voided:
            _add(found, catalog, entry)
    return {at: row for at, row in found.items() if at in pairs}


def _said(catalog: Catalog, entry: Entry) -> list[PairKey]:
    effect = identity.effect_of(catalog, entry.source, entry.type)
    if effect is None:
        return []
    pairs = identity.pairs(catalog, entry.source, entry.type, entry.kind, entry.key, entry.data)
    return [(_TABLE[effect], pair) for pair in pairs]


async def _identity_facts(
    conn: Connection, catalog: Catalog, tenant: str, kind: str, keys: Iterable[str], types: Sequence[str]
) -> list[Entry]:
    rows = await fetch_rows(conn, LedgerFact, "identity_facts", tenant=tenant, kind=kind, keys=list(keys), types=types)
    return [entry_of(catalog, row) for row in rows]


async def _store(
    conn: Connection,
    tenant: str,
    kind: str,
    table: Table,
    pairs: Mapping[Pair, PairRow | None],
    stored: Container[PairKey],
) -> None:
    """Stores the last facts about pairs of one table. ``stored``: those that have a row; others are inserted by COPY,
    which costs half, where there are many: merges, not forbidden pairs."""
    rows = [row for row in pairs.values() if row is not None]
    if table == "merge":
        new = [row for pair, row in pairs.items() if row is not None and (table, pair) not in stored]
        rows = [row for pair, row in pairs.items() if row is not None and (table, pair) in stored]
        if new:
            records = ((tenant, kind, *row) for row in new)
            await conn.copy_records_to_table(
                "merge_pairs", schema_name="tether", columns=_PAIRS.split(), records=records
            )
    if rows:
        ones, others, holds, order_keys, sources, ids = (list(column) for column in zip(*rows, strict=True))
        await execute(
            conn,
            _STORE[table],
            tenant=tenant,
            kind=kind,
            ones=ones,
            others=others,
            holds=holds,
            order_keys=order_keys,
            sources=sources,
            ids=ids,
        )
    gone = [pair for pair, row in pairs.items() if row is None]
    if gone:
        ones, others = [pair.one for pair in gone], [pair.other for pair in gone]
        await execute(conn, _DELETE[table], tenant=tenant, kind=kind, ones=ones, others=others)


async def connected(
    conn: Connection, tenant: str, kind: str, keys: Collection[str]
) -> tuple[list[MergedPair], list[ForbiddenPair]]:
    """The merged pairs that are connected with these keys, and the forbidden pairs among all of these."""
    return _in_force(kind, await _connected(conn, tenant, kind, keys), {})
