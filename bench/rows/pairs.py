"""Measures one-to-one pairs without a command: facts in random order, some repeated."""

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.facts import RECIPES
from bench.drivers.stack import MeasuredTether
from bench.limits import set_based
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples

RATE = "pairs settled, shuffled, 5 % of the facts repeated"


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Measures Tether and the limit alternately, each run in a new tenant."""
    count = effort.of(20_000, 10_000)
    samples = Samples([], [])
    spent: dict[str, float] = {}
    async with tether.database() as conn, LoadClient() as client:
        await conn.execute(set_based.SCHEMA)
        for run in range(effort.runs + 1):
            effort.show(f"{RATE}, run {run} of {effort.runs}")
            tenant = await tether.tenant()
            pairs = count if run else count // 8
            before = usage.cpu(tether.pids)
            sent = await client.send(PublishOrder(tether.events, tenant.key, "pairs", pairs))
            spent = usage.each(before, usage.cpu(tether.pids), sent.accepted)
            facts = set_based.entries(tether.catalog, RECIPES["pairs"](0, pairs))
            took = await set_based.load(conn, tether.catalog, tenant.name, facts)
            if run:  # the first is the warm-up
                samples.ours.append(pairs / sent.seconds)
                samples.limit.append(pairs / took)
    return Measurement({RATE: samples}, {"cpu_us_per_fact": spent})


ROW = Benchmark(
    name="pairs",
    title="Pairs settled by rows: 1:1, without commands, over HTTP",
    figures=(Figure(RATE, "pairs/s", "the same rows by set-based SQL in one process", Budget(least=4_000, ratio=0.5)),),
    bound=(
        "As with batches. In addition, each pair writes a placeholder or a wait, which the second fact removes again; "
        "the limit updates the placeholder in place."
    ),
    measure=measure,
)
