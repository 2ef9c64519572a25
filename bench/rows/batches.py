"""Measures facts that are posted in batches, until they are settled and on disk."""

from collections.abc import Iterator

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.facts import RECIPES
from bench.drivers.stack import MeasuredTether
from bench.limits import set_based
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples

BUDGET = Budget(least=10_000, ratio=0.5)
LIMIT = "the same rows by set-based SQL in one process"
KINDS = {"items": "facts in batches of 500, one reference each", "flights": "facts in batches of 500, four references"}


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Measures Tether and the limit alternately, each run in a new tenant."""
    count = effort.of(40_000, 20_000)
    samples = {recipe: Samples([], []) for recipe in KINDS}
    notes: dict[str, object] = {}
    async with tether.database() as conn, LoadClient() as client:
        await conn.execute(set_based.SCHEMA)
        for recipe, run in _runs(effort):
            effort.show(f"{KINDS[recipe]}, run {run} of {effort.runs}")
            tenant = await tether.tenant()
            order = PublishOrder(tether.events, tenant.key, recipe, count if run else count // 8)
            before = usage.cpu(tether.pids)
            sent = await client.send(order)
            spent = usage.each(before, usage.cpu(tether.pids), sent.accepted)
            facts = set_based.entries(tether.catalog, RECIPES[recipe](0, order.count))
            took = await set_based.load(conn, tether.catalog, tenant.name, facts)
            if run:  # the first is the warm-up
                samples[recipe].ours.append(sent.accepted / sent.seconds)
                samples[recipe].limit.append(len(facts) / took)
                notes[f"cpu_us_per_fact_{recipe}"] = spent
    return Measurement({KINDS[recipe]: found for recipe, found in samples.items()}, notes)


def _runs(effort: Effort) -> Iterator[tuple[str, int]]:
    for recipe in KINDS:
        for run in range(effort.runs + 1):
            yield recipe, run


ROW = Benchmark(
    name="batches",
    title="Facts posted in batches of 500, settled and on disk",
    figures=tuple(Figure(name, "facts/s", LIMIT, BUDGET) for name in KINDS.values()),
    bound=(
        "The event loop of the one API process, which validates facts in Python between the statements of the one "
        "transaction that the tenant's lock allows; then PostgreSQL's index entries for ledger, entities and links."
    ),
    measure=measure,
)
