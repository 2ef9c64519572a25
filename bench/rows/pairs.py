"""Pairs that settle in rows alone: one-to-one, no command, in any order, some facts told twice."""

from bench.drivers.client import Client, Order
from bench.drivers.facts import RECIPES
from bench.drivers.stack import Tether
from bench.limits import set_based
from bench.report import usage
from bench.report.figures import Budget, Effort, Figure, Measured, Row, Samples

RATE = "pairs settled, shuffled, 5 % told twice"


async def measure(tether: Tether, effort: Effort) -> Measured:
    """Each run into a tenant of its own, ours and the limit's in turn."""
    count = effort.of(20_000, 10_000)
    samples = Samples([], [])
    spent: dict[str, float] = {}
    async with tether.database() as conn, Client() as client:
        await conn.execute(set_based.SCHEMA)
        for run in range(effort.runs + 1):
            effort.say(f"{RATE}, run {run} of {effort.runs}")
            tenant = await tether.tenant()
            pairs = count if run else count // 8
            before = usage.cpu(tether.pids)
            sent = await client.send(Order(tether.events, tenant.key, "pairs", pairs))
            spent = usage.each(before, usage.cpu(tether.pids), sent.accepted)
            told = set_based.entries(tether.catalog, RECIPES["pairs"](0, pairs))
            took = await set_based.load(conn, tether.catalog, tenant.name, told)
            if run:  # the first is the warm-up
                samples.ours.append(pairs / sent.seconds)
                samples.limit.append(pairs / took)
    return Measured({RATE: samples}, {"cpu_us_per_fact": spent})


ROW = Row(
    name="pairs",
    title="Pairs settled by rows: 1:1, without commands, over HTTP",
    figures=(Figure(RATE, "pairs/s", "the same rows by set-based SQL in one process", Budget(least=4_000, ratio=0.5)),),
    bound=(
        "As with batches; besides, each pair writes a placeholder, or a wait, that its other half removes again, "
        "which the limit does in place."
    ),
    measure=measure,
)
