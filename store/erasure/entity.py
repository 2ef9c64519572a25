"""Empties what the state of an entity follows from: its facts, and all versions of its fields.

All of it in one transaction under the tenant's lock, so that the tables are what the facts say at every moment. The
fact EntityErased opens a revision: consumers that copy the entity learn from the feed that its fields are gone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from facts import own_facts
from facts.erased import ErasedData, correlation_of
from facts.message_facts import first_source
from facts.order_key import at_position
from store.db.pool import Connection, Pool, transaction
from store.db.sql import execute, fetch_rows
from store.erasure import requests
from store.erasure.requests import ErasureRow
from store.write import refold
from store.write.context import WriteContext
from store.write.diff import Diff
from store.write.entity_state import find_entities
from store.write.ledger import digest_again
from store.write.settle import append, open_revision, write
from store.write.tenant_lock import lock


class FactToErase(NamedTuple):
    """A fact whose data is to be emptied. ``about``: of activity, the key of the entity that it is about."""

    source: str
    id: str
    type: str
    kind: str
    key: str
    sequence: str | None
    data: dict[str, Any]
    correlation: str | None
    digest: bytes
    emptied: str | None
    about: str


class _Version(NamedTuple):
    to_revision: int
    data: dict[str, Any]
    older: dict[str, str] | None


async def erase(pool: Pool, catalog: Catalog, tenant: str, id: str) -> ErasureRow:
    """Empties the facts and versions of an entity, and records the fact EntityErased; once. Raises Unavailable."""
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        refold.check_declared(catalog, locked)
        row = await requests.find(conn, tenant, id)
        if row.state != "requested":
            return row
        kind, key, left = row.kind, row.key, ErasedData(catalog)
        facts = await fetch_rows(conn, FactToErase, "facts_to_erase", tenant=tenant, kind=kind, key=key)
        await empty_facts(conn, catalog, tenant, facts)
        await requests.count(conn, tenant, id, "facts", len(facts))
        diff, touched = Diff(own_facts=1), 0
        for entity in await find_entities(conn, tenant, [(kind, key)]):
            kept = left.of_entity(kind, entity.data)
            touched += entity.state != "live" and kept != entity.data
            same = entity.state != "live" or kept == entity.data
            entity.older = {name: order for name, order in entity.older.items() if name in kept}
            entity.data = kept
            (diff.touched if same else diff.versions).append(entity)
        entry = own_facts.entry(
            own_facts.ERASED, kind, key, {"erasure": id, "kind": kind}, id=own_facts.derived_id("erased", tenant, id)
        )
        position = locked.facts + 1
        context = WriteContext(conn, catalog, tenant, locked.revision + 1, locked.now, locked.open_operations)
        await append(context, [entry.with_order(at_position(entry.order, position))], position)
        await write(context, diff)
        await open_revision(context, row.actor, facts=1)
        versions = await _empty_versions(conn, left, tenant, kind, key)
        await requests.count(conn, tenant, id, "entities", versions + touched)
        await execute(conn, "begin_erasure", tenant=tenant, id=id, position=position, revision=context.revision)
        return await requests.find(conn, tenant, id)


async def empty_facts(conn: Connection, catalog: Catalog, tenant: str, facts: Sequence[FactToErase]) -> None:
    """Empties the data of facts. What recognises, orders and links them stays.

    Digests of earlier versions are made again, so that a repeat is recognised without the data.
    """
    if not facts:
        return
    left = ErasedData(catalog)
    own = [fact.source == OWN_SOURCE for fact in facts]
    await execute(
        conn,
        "empty_facts",
        tenant=tenant,
        sources=[fact.source for fact in facts],
        ids=[fact.id for fact in facts],
        data=[orjson.dumps(fact.data if fact.emptied is not None else _left(left, fact)).decode() for fact in facts],
        correlations=[
            fact.correlation if ours else correlation_of(fact.correlation)
            for fact, ours in zip(facts, own, strict=True)
        ],
        digests=[fact.digest if fact.emptied is not None else digest_again(catalog, fact) for fact in facts],
    )
    firsts = [(first, fact.id) for fact in facts if (first := first_source(fact.source)) is not None]
    if firsts:
        sources, ids = [source for source, _ in firsts], [id for _, id in firsts]
        await execute(conn, "empty_messages", tenant=tenant, sources=sources, ids=ids)


def _left(left: ErasedData, fact: FactToErase) -> dict[str, Any]:
    return left.of_fact(fact.source, fact.type, fact.kind, fact.data, fact.about)


async def _empty_versions(conn: Connection, left: ErasedData, tenant: str, kind: str, key: str) -> int:
    """Empties the fields of all versions of an entity; returns how many had any."""
    rows = await fetch_rows(conn, _Version, "versions_to_erase", tenant=tenant, kind=kind, key=key)
    found = [(row, left.of_entity(kind, row.data)) for row in rows]
    changed = [(row, kept) for row, kept in found if kept != row.data or (row.older or {}).keys() - kept.keys()]
    if changed:
        await execute(
            conn,
            "empty_versions",
            tenant=tenant,
            kind=kind,
            key=key,
            revisions=[row.to_revision for row, _ in changed],
            data=[orjson.dumps(kept).decode() for _, kept in changed],
            older=[_older(row.older, kept) for row, kept in changed],
        )
    return len(changed)


def _older(older: dict[str, str] | None, kept: dict[str, Any]) -> str | None:
    left = {name: order for name, order in (older or {}).items() if name in kept}
    return orjson.dumps(left).decode() if left else None
