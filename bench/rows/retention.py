"""Measures how disks grow while the same entities change again and again, and what is old is trimmed."""

from datetime import timedelta

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.facts import CHANGED
from bench.drivers.stack import MeasuredTether, Tenant
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples
from bench.report.size import WAL, size
from config import Retention
from store.db.pool import create_pool
from store.retention import run

HOUR = timedelta(hours=1)
KEPT = Retention(history=HOUR, bodies=HOUR, operations=HOUR, quarantine=HOUR)
ROUNDS = 10
ALL, STATE, LEDGER = "all rows and indexes", "all but the ledger", "the ledger, of which a row stays for each fact"
RATE = "rows that are trimmed a second"
MEGABYTE = 1_000_000


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Publishes changes in rounds, an hour's worth each; after each all of them are too old, and are trimmed."""
    changes = effort.of(1_000_000, 100_000)
    tenant = await tether.tenant()
    sizes: list[dict[str, int]] = []
    rates: list[float] = []
    async with LoadClient() as client:
        for n in range(ROUNDS):
            effort.show(f"{(n + 1) * changes // ROUNDS:,} of {changes:,} changes of {CHANGED:,} items")
            order = PublishOrder(tether.events, tenant.key, "changes", changes // ROUNDS, n * changes // ROUNDS)
            await client.send(order)
            rates.append(await _trim(tether, tenant))
            sizes.append(await _sizes(tether))
    half, last = ({what: size / MEGABYTE for what, size in sizes[at].items()} for at in (ROUNDS // 2 - 1, -1))
    samples = {what: Samples([last[what]], [half[what]]) for what in (ALL, STATE, LEDGER)}
    samples[RATE] = Samples(rates[1:], rates[:1])
    each = (last[LEDGER] - half[LEDGER]) * MEGABYTE / (changes / 2)
    return Measurement(
        samples, {"megabytes of each round": sizes, "bytes of the ledger for each further fact": round(each)}
    )


async def _trim(tether: MeasuredTether, tenant: Tenant) -> float:
    """Makes everything too old, trims it, and lets its room be used again; returns the rows trimmed a second."""
    pool = await create_pool(tether.urls.database, 2, name="bench")
    try:
        async with pool.acquire() as conn:
            await conn.execute("update revisions set at = at - interval '2 hours' where tenant = $1", tenant.name)
            await conn.execute("update horizons set sweep_began = '-infinity' where tenant = $1", tenant.name)
            began = await conn.fetchval("select clock_timestamp()")
        rows = sum([rows async for rows in run.run(pool, tether.catalog, tenant.name, KEPT)])
    finally:
        await pool.close()
    async with tether.database() as conn:
        seconds = (await conn.fetchval("select clock_timestamp()") - began).total_seconds()
        await conn.execute("vacuum analyze")
    return float(rows / seconds)


async def _sizes(tether: MeasuredTether) -> dict[str, int]:
    async with tether.database() as conn:
        found = {name: bytes for name, bytes in (await size(conn)).of.items() if name != WAL}
    ledger = sum(bytes for name, bytes in found.items() if name.startswith("facts"))
    return {ALL: sum(found.values()), STATE: sum(found.values()) - ledger, LEDGER: ledger}


ROW = Benchmark(
    name="retention",
    title="Disk while entities change, with a history of an hour",
    figures=(
        Figure(STATE, "MB", "itself after five of ten rounds", Budget(ratio=0.9), less_is_better=True),
        Figure(LEDGER, "MB", "itself after five of ten rounds", Budget(), less_is_better=True),
        Figure(ALL, "MB", "itself after five of ten rounds", Budget(), less_is_better=True),
        Figure(RATE, "rows/s", "itself after the first round", Budget(least=2_000)),
    ),
    bound="The versions of an hour; and a row of the ledger for each fact, so that a repeat is recognised for ever.",
    measure=measure,
)
