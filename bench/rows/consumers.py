"""Measures acknowledgements: those of 100 consumers against the bare statement, and what a writer pays meanwhile."""

import asyncio
import time
from collections.abc import Sequence
from itertools import count

from bench.drivers.acknowledgers import AcknowledgeOrder, Acknowledgers
from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.stack import MeasuredTether, Tenant
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples, percentile
from facts import tokens
from store.consumers import offsets, registrations
from store.consumers.registrations import Registration
from store.db.pool import Pool, create_pool
from store.db.sql import execute

ACKNOWLEDGED = "acknowledgements of 100 consumers a second"
POSTS = {at: f"a single fact beside 100 consumers, p{at}" for at in (50, 99)}
CONSUMERS, CONNECTIONS = 100, 8
"""And the connections of the bare statement: as many as the API has."""
REVISIONS = 100
"""That each consumer acknowledges, one after another."""
PACE, WRITERS = 200, 4
"""Single facts a second, and their connections. Meanwhile each consumer acknowledges once a second."""


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Acknowledges over HTTP and by the bare statement in turns; then posts single facts with and without consumers."""
    found = {name: Samples([], []) for name in (ACKNOWLEDGED, *POSTS.values())}
    notes: dict[str, object] = {}
    tenant = await tether.tenant()
    numbers = count()
    pool = await create_pool(tether.urls.database, CONNECTIONS, name="bench")
    try:
        async with LoadClient() as client, Acknowledgers() as consumers:
            await client.send(PublishOrder(tether.events, tenant.key, "parcels", REVISIONS * 2, batch=1, connections=1))
            texts = [tokens.token(tenant.name, revision) for revision in range(1, REVISIONS + 1)]
            for run in range(effort.runs + 1):
                effort.show(f"run {run} of {effort.runs}: {CONSUMERS * REVISIONS:,} acknowledgements")
                before = usage.cpu(tether.pids)
                held = await _held(pool, tenant, numbers)
                order = AcknowledgeOrder(tether.urls.api, tenant.key, held, texts)
                done = await consumers.acknowledge(order)
                spent = usage.each(before, usage.cpu(tether.pids), done.acknowledged)
                bare = await _bare(pool, tenant, await _held(pool, tenant, numbers), texts)
                if run:
                    found[ACKNOWLEDGED].ours.append(done.acknowledged / done.seconds)
                    found[ACKNOWLEDGED].limit.append(bare)
                    notes |= {"cpu_us_per_acknowledgement": spent, "repeated": done.again}
            for run in range(effort.runs):
                effort.show(f"run {run + 1} of {effort.runs}: single facts, without and with {CONSUMERS} consumers")
                facts = effort.of(2_000, 600)
                start = 10_000 + 2 * run * facts
                alone = await _posts(client, tether, tenant, start, facts)
                held = await _held(pool, tenant, numbers)
                order = AcknowledgeOrder(tether.urls.api, tenant.key, held, texts[: facts // PACE + 1], 1.0)
                acknowledging = asyncio.create_task(consumers.acknowledge(order))
                beside = await _posts(client, tether, tenant, start + facts, facts)
                await acknowledging
                for at, name in POSTS.items():
                    found[name].ours.append(percentile(beside, at))
                    found[name].limit.append(percentile(alone, at))
    finally:
        await pool.close()
    return Measurement(found, notes, [f"{ACKNOWLEDGED}: {notes}"])


async def _held(pool: Pool, tenant: Tenant, numbers: "count[int]") -> list[tuple[str, int]]:
    """Registers new consumers; returns their names and generations."""
    anything, names = Registration({}, "-1", 3_600, ""), [f"c{next(numbers)}" for _ in range(CONSUMERS)]
    found = [(await registrations.register(pool, tenant.name, name, anything, "bench")).consumer for name in names]
    return [(row.name, row.generation) for row in found]


async def _bare(pool: Pool, tenant: Tenant, held: Sequence[tuple[str, int]], texts: Sequence[str]) -> float:
    """Acknowledgements a second by the statement alone."""
    queue = [(name, generation, text) for text in texts for name, generation in held]
    read = {text: offsets.read(tenant.name, text) for text in texts}
    queue.reverse()

    async def work() -> None:
        async with pool.acquire() as conn:
            while queue:
                name, generation, text = queue.pop()
                await execute(
                    conn,
                    "acknowledge",
                    tenant=tenant.name,
                    name=name,
                    generation=generation,
                    revision=read[text].revision,
                    position=read[text].text,
                )

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return len(held) * len(texts) / (time.perf_counter() - began)


async def _posts(client: LoadClient, tether: MeasuredTether, tenant: Tenant, start: int, facts: int) -> list[float]:
    """Milliseconds of single facts, at a pace."""
    return (await client.send(PublishOrder(tether.events, tenant.key, "parcels", facts, start, 1, WRITERS, PACE))).took


ROW = Benchmark(
    name="consumers",
    title="Acknowledgements of 100 consumers, and what writers pay meanwhile",
    figures=(
        Figure(ACKNOWLEDGED, "/s", "the bare statement, 8 connections", Budget(ratio=0.1)),
        *(Figure(name, "ms", "the same facts, no consumer", less_is_better=True) for name in POSTS.values()),
    ),
    bound="The API's event loop: an acknowledgement is one request and one statement, which waits for the disk.",
    measure=measure,
)
