"""Settles facts: ledger, entities, links, waits and intents in one transaction, under one new revision.

The tenant's head is locked first, by a statement of its own: from then on nobody else writes this tenant, and
every later statement sees all that was committed before. Revision order is commit order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog.catalog import Catalog
from facts.envelope import Entry, moment
from store.db.pool import Connection
from store.db.sql import OPEN, sql
from store.write import waits
from store.write.diff import Changes, changes
from store.write.entity_state import Register
from store.write.outbox import answers

FACTS = """tenant revision received source id type kind key sequence order_key time data correlation causation
    traceparent extensions digest"""
ENTITIES = """tenant from_revision to_revision kind key state sequence data latest created ended older refs"""
LINKS = """tenant from_revision to_revision since relationship child parent rank"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a batch. ``new``: the (source, id) that were not known; ``known``: digests of those that were."""

    revision: int
    new: set[tuple[str, str]]
    known: dict[tuple[str, str], bytes]


async def settle(conn: Connection, catalog: Catalog, tenant: str, entries: Sequence[Entry], actor: str) -> Settled:
    """Within the caller's transaction. No two entries may have the same (source, id)."""
    head, operating = await lock(conn, tenant)
    now = datetime.now(UTC)
    known = await _digests(conn, tenant, entries)
    fresh = [e for e in entries if (e.source, e.id) not in known] if known else entries
    if not fresh:
        return Settled(head, set(), known)
    result = changes(catalog, await _registers(conn, tenant, fresh), fresh)
    revision = head + 1 if result else head
    await _append(conn, tenant, revision, now, fresh)
    await write(conn, tenant, revision, now, result)
    if operating:
        await answers(conn, catalog, tenant, revision, now, fresh)
    if result or result.renewed:
        await waits.follow(conn, catalog, tenant, revision, now, result, operating=operating)
    if result:
        await conn.execute(sql("open_revision"), tenant, revision, now, actor, len(fresh))
    return Settled(revision, {(e.source, e.id) for e in fresh}, known)


async def lock(conn: Connection, tenant: str) -> tuple[int, bool]:
    """Takes the tenant's turn to write; (current revision, whether operations wait for facts)."""
    revision = await conn.fetchval(sql("lock_tenant_revision"), tenant)
    if revision is None:
        await conn.execute(sql("create_tenant_revision"), tenant)
        revision = await conn.fetchval(sql("lock_tenant_revision"), tenant)
    # After it, not with it: a statement that waits for the lock reads what was there before its wait.
    return revision, await conn.fetchval(sql("operating"), tenant)


async def _digests(conn: Connection, tenant: str, entries: Sequence[Entry]) -> dict[tuple[str, str], bytes]:
    """The digests of those that are in the ledger: nobody can add to it before we are done."""
    rows = await conn.fetch(sql("digests"), tenant, [e.source for e in entries], [e.id for e in entries])
    return {(r["source"], r["id"]): r["digest"] for r in rows}


async def _registers(conn: Connection, tenant: str, entries: Sequence[Entry]) -> dict[tuple[str, str], Register]:
    wanted = list({(e.kind, e.key) for e in entries})
    rows = await conn.fetch(sql("registers"), tenant, [k for k, _ in wanted], [k for _, k in wanted])
    return {(r["kind"], r["key"]): Register.of_row(r) for r in rows}


async def _append(conn: Connection, tenant: str, revision: int, now: datetime, entries: Sequence[Entry]) -> None:
    await _copy(
        conn,
        "facts",
        FACTS,
        (
            (
                tenant,
                revision,
                now,
                e.source,
                e.id,
                e.type,
                e.kind,
                e.key,
                e.sequence,
                e.order,
                moment(e.time),
                e.body,
                e.correlation,
                e.causation,
                e.traceparent,
                e.extensions,
                e.digest,
            )
            for e in entries
        ),
    )


async def write(conn: Connection, tenant: str, revision: int, now: datetime, result: Changes) -> None:
    """Entities and links, under a revision that the caller opens."""
    stored = [r for r in result.versions if r.stored]
    if stored:
        await conn.execute(sql("close_entities"), tenant, revision, [r.kind for r in stored], [r.key for r in stored])
    if result.versions:
        await _copy(conn, "entities", ENTITIES, ((tenant, revision, OPEN, *_values(r)) for r in result.versions))
    if result.touched:
        columns = [list(column) for column in zip(*map(_values, result.touched), strict=True)]
        await conn.execute(sql("touch_entities"), tenant, *columns)
    if result.closed:
        names, children = [c.relationship.name for c in result.closed], [c.child for c in result.closed]
        await conn.execute(sql("close_links"), tenant, revision, names, children)
    if result.opened:
        links = ((tenant, revision, OPEN, now, o.relationship.name, o.child, o.parent, o.rank) for o in result.opened)
        await _copy(conn, "links", LINKS, links)


async def _copy(conn: Connection, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY: a third cheaper than arrays, for both sides."""
    await conn.copy_records_to_table(table, schema_name="tether", columns=columns.split(), records=rows)


def _values(r: Register) -> tuple[Any, ...]:
    return (
        r.kind,
        r.key,
        r.state,
        r.sequence,
        r.data_json(),
        r.latest,
        r.created,
        r.ended,
        r.older_json(),
        r.refs_json(),
    )
