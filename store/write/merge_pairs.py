"""Pairs of keys that facts merge, unmerge, forbid or allow: of each the last fact, and the clusters that follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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


_AMONG: dict[Table, str] = {"merge": "merge_pairs_among", "forbidden": "forbidden_pairs_among"}
_STORE: dict[Table, str] = {"merge": "store_merge_pairs", "forbidden": "store_forbidden_pairs"}
_DELETE: dict[Table, str] = {"merge": "delete_merge_pairs", "forbidden": "delete_forbidden_pairs"}
_HOLDS = (IdentityEffect.MERGED, IdentityEffect.FORBIDDEN)
_TABLE: dict[IdentityEffect, Table] = {
    IdentityEffect.MERGED: "merge",
    IdentityEffect.UNMERGED: "merge",
    IdentityEffect.FORBIDDEN: "forbidden",
    IdentityEffect.ALLOWED: "forbidden",
}


def is_about_identity(catalog: Catalog, entry: Entry) -> bool:
    """Whether a new fact can change which keys are the same: one about identity, or one that voids such a fact."""
    if entry.effect is not None:
        return False
    if entry.name == VOIDED:
        return identity.effect_of(catalog, entry.data["source"], entry.data["type"]) is not None
    return identity.effect_of(catalog, entry.source, entry.type) is not None


async def record(conn: Connection, catalog: Catalog, tenant: str, kind: str, facts: Sequence[Entry]) -> set[str]:
    """Stores what new facts about identity say about pairs of one kind; returns the keys whose clusters may change."""
    await execute(conn, "mark_merging", tenant=tenant)
    newest: dict[tuple[Table, Pair], PairRow | None] = {}
    for entry in facts:
        if entry.name != VOIDED:
            _add(newest, catalog, entry)
    await _leave_stored(conn, tenant, kind, newest)
    voiding = {e.key for e in facts if e.name == VOIDED}
    if voiding:
        newest |= await _of_ledger(conn, catalog, tenant, kind, voiding, facts)
    for table in _STORE:
        of_table = {pair: row for (name, pair), row in newest.items() if name == table}
        await _store(conn, tenant, kind, table, of_table)
    return {key for _, pair in newest for key in pair[1:]}


def _add(newest: dict[tuple[Table, Pair], PairRow | None], catalog: Catalog, entry: Entry) -> None:
    """Adds what a fact says about its pairs, where it is later than what is there."""
    effect = identity.effect_of(catalog, entry.source, entry.type)
    if effect is None:
        return
    for pair in identity.pairs(catalog, entry.source, entry.type, entry.kind, entry.key, entry.data):
        at = _TABLE[effect], pair
        known = newest.get(at)
        if known is None or entry.order > known.order_key:
            newest[at] = PairRow(pair.one, pair.other, effect in _HOLDS, entry.order, entry.source, entry.id)


async def _leave_stored(
    conn: Connection, tenant: str, kind: str, newest: dict[tuple[Table, Pair], PairRow | None]
) -> None:
    """Removes what is not later than what is stored."""
    for table, query in _AMONG.items():
        wanted = [pair for name, pair in newest if name == table]
        if wanted:
            ones, others = [p.one for p in wanted], [p.other for p in wanted]
            rows = await fetch_rows(conn, PairRow, query, tenant=tenant, kind=kind, ones=ones, others=others)
            for row in rows:
                at: tuple[Table, Pair] = table, Pair(kind, row.one, row.other)
                new = newest[at]
                if new is not None and row.order_key > new.order_key:
                    del newest[at]


async def _of_ledger(
    conn: Connection, catalog: Catalog, tenant: str, kind: str, keys: Collection[str], facts: Sequence[Entry]
) -> dict[tuple[Table, Pair], PairRow | None]:
    """The last facts about all pairs of which facts about these keys speak, by the ledger; None: none is left."""
    declared = [t for t, c in catalog.contracts.by_type.items() if c.identity is not None and c.kind == kind]
    types = [*declared, *OWN_EFFECTS, f"{VOIDED}.v1"]
    found: dict[tuple[Table, Pair], PairRow | None] = {}
    entries = await _identity_facts(conn, catalog, tenant, kind, keys, types)
    pairs = {at for entry in entries for at in _said(catalog, entry)}
    entries += await _identity_facts(conn, catalog, tenant, kind, {k for _, p in pairs for k in p[1:]} - {*keys}, types)
    every = [*entries, *facts]
    voided = {(e.data["source"], e.data["id"]) for e in every if e.name == VOIDED}
    found |= dict.fromkeys(pairs)
    for entry in every:
        if entry.name != VOIDED and (entry.source, entry.id) not in voided:
            _add(found, catalog, entry)
    return {at: row for at, row in found.items() if at in pairs}


def _said(catalog: Catalog, entry: Entry) -> list[tuple[Table, Pair]]:
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


async def _store(conn: Connection, tenant: str, kind: str, table: Table, pairs: Mapping[Pair, PairRow | None]) -> None:
    rows = [row for row in pairs.values() if row is not None]
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


async def clusters(conn: Connection, catalog: Catalog, tenant: str, kind: str, keys: Collection[str]) -> Clusters:
    """The clusters of all keys that are connected with one of these by merged pairs; a key without a pair is not in
    any. Stores which pairs are set aside."""
    pairs, forbidden = await connected(conn, tenant, kind, keys)
    result = find_clusters(pairs, forbidden, catalog.contracts.merging[kind].survivor)
    if pairs:
        paths = [result.set_aside.get((p.loser, p.survivor)) for p in pairs]
        await execute(
            conn,
            "set_pairs_aside",
            tenant=tenant,
            kind=kind,
            losers=[p.loser for p in pairs],
            survivors=[p.survivor for p in pairs],
            paths=[None if path is None else orjson.dumps(path).decode() for path in paths],
        )
    return result


async def connected(
    conn: Connection, tenant: str, kind: str, keys: Collection[str]
) -> tuple[list[MergedPair], list[ForbiddenPair]]:
    """The merged pairs that are connected with these keys, and the forbidden pairs among all of these."""
    pairs = await fetch_rows(conn, MergedPair, "connected_pairs", tenant=tenant, kind=kind, keys=list(keys))
    every = {*keys, *(key for pair in pairs for key in (pair.loser, pair.survivor))}
    if not every:
        return pairs, []
    return pairs, await fetch_rows(conn, ForbiddenPair, "forbidden_of_keys", tenant=tenant, kind=kind, keys=list(every))
