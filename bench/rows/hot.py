"""Measures one parent that gets very many children while others read them."""

import asyncio

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.publishing import publish_one
from bench.drivers.reader import LinkReader, ReadOrder, ReadResult
from bench.drivers.stack import MeasuredTether, Tenant
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples, percentile

RATE = 1_000
"""Children a second that are added to the one parent."""
BATCH = 50
READERS = 4
LINK, PARENT = "event_team", "festival"
ADDED = f"children added to one parent a second, paced at {RATE:,}"
WRITES = {at: f"a batch of {BATCH} for that parent, p{at}" for at in (50, 99)}
READ = f"pages of 100 of its children a second, {READERS} readers"
READS = {at: f"a page of its children, p{at}" for at in (50, 99)}


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Measures reads alone, reads and writes, reads alone again, then writes alone in another tenant."""
    seconds, base = effort.of(20, 3), effort.of(20_000, 3_000)
    children = RATE * seconds
    names = (ADDED, *WRITES.values(), READ, *READS.values())
    found = {name: Samples([], []) for name in names}
    spent: dict[str, float] = {}
    async with LoadClient() as client, LinkReader() as reader:

        async def add(to: Tenant, start: int, count: int, pace: float) -> tuple[float, list[float]]:
            sent = await client.send(PublishOrder(tether.events, to.key, "teams", count, start, BATCH, pace=pace))
            return count / sent.seconds, sent.took

        def order(of: Tenant, during: float) -> ReadOrder:
            return ReadOrder(tether.urls.api, of.key, LINK, PARENT, during, readers=READERS)

        for run in range(effort.runs + 1):
            effort.show(f"run {run} of {effort.runs}: {base:,} children, then {RATE:,} a second for {seconds} s")
            hot, quiet = await _festival(tether), await _festival(tether)
            for tenant in (hot, quiet):
                await client.send(PublishOrder(tether.events, tenant.key, "teams", base))
            share = seconds if run else 1  # the first is the warm-up
            idle = [await reader.read(order(hot, share / 2))]
            before = usage.cpu(tether.pids)
            (rate, writes), pages = await asyncio.gather(
                add(hot, base, RATE * share, RATE / BATCH), reader.read(order(hot, share))
            )
            spent = usage.each(before, usage.cpu(tether.pids), RATE * share)
            idle.append(await reader.read(order(hot, share / 2)))
            alone, alone_writes = await add(quiet, base, RATE * share, RATE / BATCH)
            if run:
                _keep(found[ADDED], [rate], [alone])
                for at, name in WRITES.items():
                    _keep(found[name], [percentile(writes, at)], [percentile(alone_writes, at)])
                _keep(found[READ], [_rate(pages)], [_rate(each) for each in idle])
                for at, name in READS.items():
                    _keep(found[name], [percentile(pages.took, at)], [percentile(each.took, at) for each in idle])
    lines = [
        f"{children:,} children were added to one parent of {base:,}, in batches of {BATCH}, over 4 connections",
        f"processor time, µs a child, reading included: {spent}",
    ]
    return Measurement(found, {"children": children, "base": base, "cpu_us_per_child": spent}, lines)


async def _festival(tether: MeasuredTether) -> Tenant:
    tenant = await tether.tenant()
    await publish_one(tether, tenant, "/events", "EventCreated.v1", PARENT, {"name": "Festival"})
    return tenant


def _keep(samples: Samples, ours: list[float], limit: list[float]) -> None:
    samples.ours.extend(ours)
    samples.limit.extend(limit)


def _rate(result: ReadResult) -> float:
    return len(result.took) / result.seconds


ROW = Benchmark(
    name="hot",
    title=f"One parent that gets {RATE:,} children a second, while they are read",
    figures=(
        Figure(ADDED, "/s", "the same writes, no reads", Budget(least=0.98 * RATE)),
        *(Figure(name, "ms", "the same writes, no reads", less_is_better=True) for name in WRITES.values()),
        Figure(READ, "/s", "the same readers, no writes"),
        *(Figure(name, "ms", "the same readers, no writes", less_is_better=True) for name in READS.values()),
    ),
    bound=(
        "The event loop of the one API process, which readers without a pause between pages keep busy: a write needs "
        "it some ten times, once for each statement, and each time waits for the pages before it. Not PostgreSQL, "
        "where a new child writes no row of its parent."
    ),
    measure=measure,
)
