"""Writes the rows of merges by set-based SQL: one process, one connection, Python only to build arrays.

The tables are copies of Tether's, with the same columns, keys and indexes. It looks up no cluster and no forbidden
pair, assigns no revision and checks nothing: each fact merges one loser that no other fact names.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

from bench.drivers.stack import Connection
from bench.limits.set_based import BATCH, RECORDED, columns
from facts.envelope import Entry

SCHEMA = """
create table plain.merge_pairs (like tether.merge_pairs including all);
create table plain.merges (like tether.merges including all);
create table plain.aliases (like tether.aliases including all);
"""

_PAIRS = """
insert into plain.merge_pairs (tenant, kind, loser, survivor, merged, order_key, source, id)
select $1, w.kind, w.loser, w.survivor, true, w.order_key, w.source, w.id
from unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[])
     as w (kind, loser, survivor, order_key, source, id)
"""

_MERGES = """
insert into plain.merges (tenant, id, kind, survivor, losers, reason, created_at, source, fact, revision)
select $1, w.source || ' ' || w.id, w.kind, w.survivor, array[w.loser], '', $2, w.source, w.id, $3
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) as w (kind, loser, survivor, source, id)
"""

_ALIASES = """
insert into plain.aliases (tenant, kind, key, survivor, from_revision)
select $1, w.kind, w.loser, w.survivor, $2 from unnest($3::text[], $4::text[], $5::text[]) as w (kind, loser, survivor)
"""

_LINKS = """
with moved as (
    update plain.links l set to_revision = $2
    from unnest($4::text[], $5::text[], $6::text[]) as w (relationship, loser, survivor)
    where l.tenant = $1 and l.relationship = w.relationship and l.parent = w.loser
      and l.to_revision = 9223372036854775807
    returning l.relationship, l.child, l.rank, w.loser, w.survivor
)
insert into plain.links (tenant, from_revision, since, relationship, child, parent, rank, stated_parent)
select $1, $2, $3, relationship, child, survivor, rank, loser from moved
"""


async def load(conn: Connection, tenant: str, facts: Sequence[Entry], parents: Iterable[str]) -> float:
    """Writes facts that merge one loser each, with the rows that follow, batch by batch; returns the seconds.

    ``parents``: names of the relationships whose links follow the loser.
    """
    # As for Tether: for tables without statistics the planner would read them whole.
    await conn.execute("set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off")
    statements = [await conn.prepare(text) for text in (RECORDED, _PAIRS, _MERGES, _ALIASES, _LINKS)]
    record, pairs, merges, aliases, links = statements
    names = list(parents)
    rest = iter(facts)
    began = time.perf_counter()
    for revision, batch in enumerate(iter(lambda: list(islice(rest, BATCH)), []), 1_000_000):
        now = datetime.now(UTC)
        kinds, sources, ids = [e.kind for e in batch], [e.source for e in batch], [e.id for e in batch]
        survivors, losers = [e.data["survivor"] for e in batch], [e.data["losers"][0] for e in batch]
        async with conn.transaction():
            await record.fetch(tenant, revision, now, *columns(batch))
            await pairs.fetch(tenant, kinds, losers, survivors, [e.order for e in batch], sources, ids)
            await merges.fetch(tenant, now, revision, kinds, losers, survivors, sources, ids)
            await aliases.fetch(tenant, revision, kinds, losers, survivors)
            if names:
                each = len(batch)
                related = [name for name in names for _ in range(each)]
                await links.fetch(tenant, revision, now, related, losers * len(names), survivors * len(names))
    return time.perf_counter() - began
