"""Writes the rows of facts by set-based SQL: one process, one connection, Python only to build arrays.

The tables are copies of Tether's, with the same columns, keys and indexes. It does not assign revisions, keep closed
versions, fold several facts of an entity, begin waits or check anything.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

from bench.drivers.facts import Event
from bench.drivers.stack import Connection
from catalog.catalog import Catalog
from config import Limits
from facts.envelope import Entry, moment, read
from facts.validation import Validator

BATCH = 500

SCHEMA = """
create schema plain;
create table plain.facts (like tether.facts including all);
alter table plain.facts alter column position set default 0;
create table plain.entities (like tether.entities including all);
create table plain.links (like tether.links including all);
"""

_FACTS = """
with new as (
    insert into plain.facts (tenant, revision, received, source, id, type, kind, key, sequence, order_key, time, data,
                             digest)
    select $1, $2, $3, f.source, f.id, f.type, f.kind, f.key, f.sequence, f.order_key, f.time, f.data::json, f.digest
    from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[],
                $11::timestamptz[], $12::text[], $13::bytea[])
         as f (source, id, type, kind, key, sequence, order_key, time, data, digest)
    on conflict do nothing
    returning kind, key, sequence, data, order_key
)
insert into plain.entities as e (tenant, from_revision, kind, key, state, sequence, data, latest, created, ended)
select $1, $2, kind, key, 'live', sequence, data, order_key, order_key, '' from new
on conflict (tenant, kind, key, to_revision) do update
set state = 'live', sequence = excluded.sequence, data = excluded.data, latest = excluded.latest,
    created = excluded.created, from_revision = excluded.from_revision
where e.state = 'unknown'
"""

_PLACEHOLDERS = """
insert into plain.entities (tenant, from_revision, kind, key, state, data, latest, created, ended)
select $1, $2, w.kind, w.key, 'unknown', '{}', '', '', '' from unnest($3::text[], $4::text[]) as w (kind, key)
on conflict do nothing
"""

_LINKS = """
insert into plain.links (tenant, from_revision, since, relationship, child, parent, rank)
select $1, $2, $3, v.relationship, v.child, v.parent, v.rank
from unnest($4::text[], $5::text[], $6::text[], $7::bytea[]) as v (relationship, child, parent, rank)
on conflict do nothing
"""

RECORDED = """
insert into plain.facts (tenant, revision, received, source, id, type, kind, key, sequence, order_key, time, data,
                         digest)
select $1, $2, $3, f.source, f.id, f.type, f.kind, f.key, f.sequence, f.order_key, f.time, f.data::json, f.digest
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[],
            $11::timestamptz[], $12::text[], $13::bytea[])
     as f (source, id, type, kind, key, sequence, order_key, time, data, digest)
on conflict do nothing
"""

_ENDED = """
update plain.entities e set to_revision = $2
from unnest($3::text[], $4::text[]) as w (kind, key)
cross join lateral (
    select ctid from plain.entities
    where tenant = $1 and kind = w.kind and key = w.key and to_revision = 9223372036854775807 limit 1) x
where e.ctid = x.ctid
"""

_TOMBSTONES = """
insert into plain.entities (tenant, from_revision, kind, key, state, sequence, data, latest, created, ended)
select $1, $2, w.kind, w.key, 'deleted', w.sequence, '{}', w.latest, '', w.latest
from unnest($3::text[], $4::text[], $5::text[], $6::bytea[]) as w (kind, key, sequence, latest)
"""

_CLOSED = """
update plain.links l set to_revision = $2
from unnest($3::text[], $4::text[]) as w (relationship, child)
cross join lateral (
    select ctid from plain.links
    where tenant = $1 and relationship = w.relationship and child = w.child and to_revision = 9223372036854775807
    limit 1) x
where l.ctid = x.ctid
"""


def entries(catalog: Catalog, events: Iterable[Event]) -> list[Entry]:
    """Returns the entries that Tether writes for these facts, to be built before the clock starts."""
    validator = Validator(catalog, Limits())
    return [validator.validate(read(event)) for event in events]


async def load(conn: Connection, catalog: Catalog, tenant: str, facts: Sequence[Entry]) -> float:
    """Writes facts, their entities and links in batches, each committed before the next; returns the seconds."""
    references = {kind: [(r, r.field) for r in rels if r.field] for kind, rels in catalog.by_child.items()}
    statements = [await conn.prepare(text) for text in (_FACTS, _PLACEHOLDERS, _LINKS)]
    record, placeholders, links = statements
    rest = iter(facts)
    began = time.perf_counter()
    for revision, batch in enumerate(iter(lambda: list(islice(rest, BATCH)), [])):
        now = datetime.now(UTC)
        found = [
            (r, e.key, str(parent), e.order if r.exclusive else None)
            for e in batch
            for r, field in references.get(e.kind, ())
            if (parent := e.data.get(field)) is not None
        ]
        parents = list({(r.parent, parent) for r, _, parent, _ in found})
        async with conn.transaction():
            await record.fetch(tenant, revision, now, *columns(batch))
            if found:
                kinds, keys = [k for k, _ in parents], [k for _, k in parents]
                await placeholders.fetch(tenant, revision, kinds, keys)
                await links.fetch(
                    tenant,
                    revision,
                    now,
                    [r.name for r, *_ in found],
                    [child for _, child, _, _ in found],
                    [parent for _, _, parent, _ in found],
                    [rank for *_, rank in found],
                )
    return time.perf_counter() - began


async def close(conn: Connection, catalog: Catalog, tenant: str, facts: Sequence[Entry]) -> float:
    """Writes facts that children were deleted: a tombstone each, and the end of its links; returns the seconds."""
    names = {kind: [r.name for r in rels] for kind, rels in catalog.by_child.items()}
    statements = [await conn.prepare(text) for text in (RECORDED, _ENDED, _TOMBSTONES, _CLOSED)]
    record, ended, tombstones, closed = statements
    rest = iter(facts)
    began = time.perf_counter()
    for revision, batch in enumerate(iter(lambda: list(islice(rest, BATCH)), []), 1_000_000):
        kinds, keys = [e.kind for e in batch], [e.key for e in batch]
        links = [(name, e.key) for e in batch for name in names.get(e.kind, ())]
        async with conn.transaction():
            await record.fetch(tenant, revision, datetime.now(UTC), *columns(batch))
            await ended.fetch(tenant, revision, kinds, keys)
            await tombstones.fetch(tenant, revision, kinds, keys, [e.sequence for e in batch], [e.order for e in batch])
            await closed.fetch(tenant, revision, [name for name, _ in links], [child for _, child in links])
    return time.perf_counter() - began


def columns(batch: Sequence[Entry]) -> tuple[list[object], ...]:
    """What the statements that record facts take of them."""
    return (
        [e.source for e in batch],
        [e.id for e in batch],
        [e.type for e in batch],
        [e.kind for e in batch],
        [e.key for e in batch],
        [e.sequence for e in batch],
        [e.order for e in batch],
        [moment(e.time) for e in batch],
        [e.body for e in batch],
        [e.digest for e in batch],
    )
