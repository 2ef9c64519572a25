"""Measures reads of merged entities: pages of activity of many keys, and what a tenant without merges pays."""

import time
from statistics import median

import orjson

from bench.drivers import wire
from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.publishing import publish_one
from bench.drivers.stack import MeasuredTether, Tenant
from bench.drivers.wire import Wire
from bench.errors import InvalidMeasurement
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples

ITEMS = 30_000
"""Items of activity of each person."""
PAGE = 100
MEMBERS = (1, 10, 1_000)
PAGES = {
    1: f"a page of {PAGE} of its activity, not merged, in a tenant with merges, p50",
    10: f"a page of {PAGE} of its activity, merged of 10, p50",
    1_000: f"a page of {PAGE} of its activity, merged of 1,000, p50",
}
READ = "an entity of a kind that can be merged, no merges in the tenant, p50"


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Fills a tenant with merges and one without, and reads from both in turns."""
    items, reads = effort.of(ITEMS, 3_000), effort.of(300, 100)
    tenant, plain = await tether.tenant(), await tether.tenant()
    async with LoadClient() as client:
        for members in MEMBERS:
            effort.show(f"{items:,} items of activity of {members:,} keys")
            for to in (tenant, plain) if members == 1 else (tenant,):
                await client.send(PublishOrder(tether.events, to.key, f"diaries{members}", items))
            if members > 1:
                losers = [f"m{members}-{n}" for n in range(1, members)]
                data = {"survivor": f"m{members}-0", "losers": losers}
                await publish_one(tether, tenant, "/people", "PersonMerged.v1", f"m{members}-0", data)
        await client.send(PublishOrder(tether.events, plain.key, "people", 1_000))
        await client.send(PublishOrder(tether.events, plain.key, "tickets", 1_000))
    connection = await wire.connect(tether.events)
    samples = {}
    for members, name in PAGES.items():
        samples[name] = Samples([], [])
        for run in range(effort.runs + 1):
            effort.show(f"{name}, run {run} of {effort.runs}")
            paths = [_activity(members, n % 20) for n in range(reads)]
            limit = [_activity(1, n % 20) for n in range(reads)]
            ours, theirs = await _in_turns(tether, connection, (tenant, paths), (plain, limit))
            if run:  # the first is the warm-up
                samples[name].ours.append(ours)
                samples[name].limit.append(theirs)
    samples[READ] = Samples([], [])
    for run in range(effort.runs + 1):
        effort.show(f"{READ}, run {run} of {effort.runs}")
        paths = [f"/v1/entities/person/p{n}" for n in range(reads)]
        limit = [f"/v1/entities/ticket/t{n}" for n in range(reads)]
        ours, theirs = await _in_turns(tether, connection, (plain, paths), (plain, limit))
        if run:
            samples[READ].ours.append(ours)
            samples[READ].limit.append(theirs)
    connection.close()
    return Measurement(samples, {"items": items, "reads": reads})


def _activity(members: int, month: int) -> str:
    """A page that ends with a month, so that not all pages are the same."""
    until = f"{2014 + month // 12}-{month % 12 + 1:02}-01T00:00:00Z"
    return f"/v1/entities/person/m{members}-0/activity?limit={PAGE}&until={until}"


async def _in_turns(tether: MeasuredTether, connection: Wire, *both: tuple[Tenant, list[str]]) -> tuple[float, float]:
    """Reads one path of each side in turns; returns the median milliseconds of each side."""
    took: tuple[list[float], list[float]] = ([], [])
    for paths in zip(*(paths for _, paths in both), strict=True):
        for side, path in enumerate(paths):
            began = time.perf_counter()
            status, answer = await connection.exchange(wire.get(tether.urls.api, path, both[side][0].key))
            took[side].append((time.perf_counter() - began) * 1_000)
            found = orjson.loads(answer) if status == 200 else {}
            if status != 200 or len(found.get("items", range(PAGE))) != PAGE:
                raise InvalidMeasurement(f"{path} answered {status}: {answer[:300]!r}")
    return median(took[0]), median(took[1])


_UNMERGED = "in a tenant without merges"

ROW = Benchmark(
    name="activity",
    title="Pages of activity of merged entities, and reads where nothing is merged",
    figures=(
        *(
            Figure(name, "ms", _UNMERGED, Budget(ratio=0.5) if members < 1_000 else Budget(), less_is_better=True)
            for members, name in PAGES.items()
        ),
        Figure(READ, "ms", "of a kind that cannot be merged", Budget(ratio=0.9), less_is_better=True),
    ),
    bound=(
        "A page: one index look-up for each key, then the rows of the page; routing and JSON in the API's event loop. "
        "An entity of a tenant without merges: no look-up, since the row that names the newest revision says so."
    ),
    measure=measure,
)
