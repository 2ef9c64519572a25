"""Empties bodies of sealed facts that no fact can need any more, entity by entity, pass after pass."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from store.db.pool import Connection, Pool, transaction
from store.db.sql import bind, execute, fetch_row, fetch_rows
from store.retention.trimmed import BATCH, count
from store.retention.unneeded import SealedFact, UnneededBodies
from store.write.ledger import digest_again

ENTITIES = 500
"""Entities whose facts are read together."""
FETCH_SIZE = 1_000
PAUSE = 10
"""A pass over all entities begins once in the tenth part of the time after which facts are sealed."""


class _Sweep(NamedTuple):
    """A row of ``sweep``: a pass that has come to an entity. ``voids``: whether the tenant has ever voided a fact."""

    sealed: int
    kind: str
    key: str
    voids: bool


class _SweptEntity(NamedTuple):
    kind: str
    key: str


class _Body(NamedTuple):
    """A row of ``bodies_to_empty``."""

    source: str
    id: str
    type: str
    key: str
    sequence: str | None
    data: dict[str, Any]
    correlation: str | None
    digest: bytes


async def empty(pool: Pool, catalog: Catalog, tenant: str, age: timedelta) -> AsyncIterator[int]:
    """Empties bodies, in transactions of some facts. Yields how many each has emptied.

    ``age``: at which facts are sealed. May end at any point, also by a crash: the next call goes on with the pass.
    Raises Unavailable.
    """
    async with transaction(pool) as conn:
        await execute(conn, "begin_sweep", tenant=tenant, pause=age / PAUSE)
        sweep = await fetch_row(conn, _Sweep, "sweep", tenant=tenant)
    while sweep is not None:
        async with transaction(pool) as conn:
            page = await fetch_rows(
                conn, _SweptEntity, "swept_entities", tenant=tenant, kind=sweep.kind, key=sweep.key, size=ENTITIES
            )
        more = True
        while page and more:
            async with transaction(pool) as conn:
                found, more = await _unneeded(conn, catalog, tenant, page, sweep)
                emptied = await _empty(conn, catalog, tenant, found)
            yield emptied
            more = more and emptied > 0  # what is locked is left for the next pass
        async with transaction(pool) as conn:
            if page:
                sweep = sweep._replace(kind=page[-1].kind, key=page[-1].key)
                await execute(conn, "continue_sweep", tenant=tenant, kind=sweep.kind, key=sweep.key)
            else:
                await execute(conn, "end_sweep", tenant=tenant)
                return


async def _unneeded(
    conn: Connection, catalog: Catalog, tenant: str, page: Sequence[_SweptEntity], sweep: _Sweep
) -> tuple[list[SealedFact], bool]:
    """Facts of these entities whose bodies can be emptied, up to a batch, and whether there may be more."""
    query = bind(
        "sealed_facts",
        tenant=tenant,
        kinds=[one.kind for one in page],
        keys=[one.key for one in page],
        sealed=sweep.sealed,
        voids=sweep.voids,
        unread=list(catalog.contracts.readings),
        lives=[t for t, c in catalog.contracts.by_type.items() if c.effect in (Effect.CREATED, Effect.DELETED)],
    )
    unneeded = UnneededBodies(catalog, sweep.sealed)
    found: list[SealedFact] = []
    async for record in conn.cursor(*query, prefetch=FETCH_SIZE):
        if unneeded.has(fact := SealedFact(*record)):
            found.append(fact)
            if len(found) == BATCH:
                return found, True
    return found, False


async def _empty(conn: Connection, catalog: Catalog, tenant: str, facts: Sequence[SealedFact]) -> int:
    """Empties the bodies of these facts, except of those that are locked; returns how many.

    Digests of earlier versions are made again, so that a repeat is recognised without its body.
    """
    if not facts:
        return 0
    sources, ids = [fact.source for fact in facts], [fact.id for fact in facts]
    rows = await fetch_rows(conn, _Body, "bodies_to_empty", tenant=tenant, sources=sources, ids=ids)
    if rows:
        await execute(
            conn,
            "empty_bodies",
            tenant=tenant,
            sources=[row.source for row in rows],
            ids=[row.id for row in rows],
            digests=[digest_again(catalog, row) for row in rows],
        )
    await count(conn, tenant, "bodies", len(rows))
    return len(rows)
