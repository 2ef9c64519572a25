"""Measures snapshots: their rows a second against COPY of the same rows, and what a writer pays meanwhile."""

import asyncio
import time

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.snapshots import SnapshotOrder, SnapshotReader
from bench.drivers.stack import Connection, MeasuredTether, Tenant
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples, percentile

LINKS, GZIPPED = "rows of a snapshot of links a second", "the same, gzipped"
ENTITIES = "rows of a snapshot of entities a second"
POSTS = {at: f"a single fact while a snapshot is read, p{at}" for at in (50, 99)}
RELATIONSHIP, KIND = "category_item", "item"
PACE, WRITERS = 200, 4
"""Single facts a second, and their connections."""

COPIED_LINKS = """
select l.child, l.parent, e.state
from tether.links l
left join tether.entities e
  on e.tenant = $1 and e.kind = 'category' and e.key = l.parent and e.to_revision = 9223372036854775807
where l.tenant = $1 and l.relationship = $2 and l.to_revision = 9223372036854775807
order by l.child
"""
COPIED_ENTITIES = """
select key, data from tether.entities
where tenant = $1 and kind = $2 and state = 'live' and to_revision = 9223372036854775807
order by key
"""


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Fills a tenant; reads snapshots and copies in turns; then posts single facts with and without a snapshot."""
    facts = effort.of(400_000, 60_000)
    rows = facts - facts // 100
    found = {name: Samples([], []) for name in (LINKS, GZIPPED, ENTITIES, *POSTS.values())}
    notes: dict[str, object] = {"rows": rows}
    tenant = await tether.tenant()
    async with LoadClient() as client, SnapshotReader() as reader, tether.database() as conn:
        effort.show(f"{facts:,} facts")
        await client.send(PublishOrder(tether.events, tenant.key, "items", facts))
        await conn.execute("vacuum analyze tether.links, tether.entities")
        links, entities = f"relationship={RELATIONSHIP}", f"kind={KIND}"
        for run in range(effort.runs + 1):
            effort.show(f"run {run} of {effort.runs}: {rows:,} rows")
            copied_links = await _copied(conn, COPIED_LINKS, tenant, RELATIONSHIP, rows)
            copied_entities = await _copied(conn, COPIED_ENTITIES, tenant, KIND, rows)
            for name, query, gzip, copied in (
                (LINKS, links, False, copied_links),
                (GZIPPED, links, True, copied_links),
                (ENTITIES, entities, False, copied_entities),
            ):
                before = usage.cpu(tether.pids)
                read = await reader.read(SnapshotOrder(tether.urls.api, tenant.key, query, gzip), rows)
                if run:
                    found[name].ours.append(rows / read.seconds)
                    found[name].limit.append(copied)
                    spent = usage.each(before, usage.cpu(tether.pids), rows)
                    notes[name] = {"bytes": read.bytes, "first_s": read.first, "cpu_us_per_row": spent}
        for run in range(effort.runs):
            effort.show(f"run {run + 1} of {effort.runs}: single facts, without and with a snapshot")
            alone = await _posts(client, tether, tenant, facts + 2 * run * 2_000, effort)
            reading = asyncio.create_task(_read_all_the_time(reader, tether, tenant, links, rows))
            beside = await _posts(client, tether, tenant, facts + (2 * run + 1) * 2_000, effort)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            for at, name in POSTS.items():
                found[name].ours.append(percentile(beside, at))
                found[name].limit.append(percentile(alone, at))
    lines = [f"{name}: {notes[name]}" for name in (LINKS, GZIPPED, ENTITIES)]
    return Measurement(found, notes, lines)


async def _copied(conn: Connection, query: str, tenant: Tenant, of: str, rows: int) -> float:
    """Rows a second of COPY."""

    async def nowhere(data: bytes) -> None:
        pass

    began = time.perf_counter()
    status = await conn.copy_from_query(query, tenant.name, of, output=nowhere)
    assert status == f"COPY {rows}", status
    return rows / (time.perf_counter() - began)


async def _posts(client: LoadClient, tether: MeasuredTether, tenant: Tenant, start: int, effort: Effort) -> list[float]:
    """Milliseconds of single facts, at a pace."""
    order = PublishOrder(tether.events, tenant.key, "parcels", effort.of(2_000, 600), start, 1, WRITERS, PACE)
    return (await client.send(order)).took


async def _read_all_the_time(
    reader: SnapshotReader, tether: MeasuredTether, tenant: Tenant, query: str, rows: int
) -> None:
    while True:
        await reader.read(SnapshotOrder(tether.urls.api, tenant.key, query), rows)


ROW = Benchmark(
    name="snapshot",
    title="Snapshots over HTTP against COPY, and what writers pay meanwhile",
    figures=(
        Figure(LINKS, "rows/s", "COPY of the same rows", Budget(least=100_000)),
        Figure(GZIPPED, "rows/s", "COPY of the same rows", Budget(least=100_000)),
        Figure(ENTITIES, "rows/s", "COPY of the same rows"),
        *(
            Figure(
                name,
                "ms",
                "the same facts, no snapshot",
                Budget(ratio=0.5) if at == 50 else Budget(),
                less_is_better=True,
            )
            for at, name in POSTS.items()
        ),
    ),
    bound=(
        "Of links: one PostgreSQL backend, which looks each parent up and writes the lines; of entities: the API's "
        "event loop, which writes their lines and hashes their canonical JSON."
    ),
    measure=measure,
)
