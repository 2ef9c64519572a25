"""Measures the rate of facts and the memory of every process as the number of links grows."""

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.stack import MeasuredTether
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples

LEVELS = (10_000, 100_000, 1_000_000)
"""Numbers of links in the tables at which the rate is measured."""
BASE = 100_000
"""The number of links with which all others are compared."""
MEMORY = "memory of Tether and PostgreSQL, at the end"
PARTS = ("api", "dispatcher", "worker", "postgres")
STEP = 10_000
"""Facts in one sample."""


def name(level: int) -> str:
    """Returns the name of the figure for a number of links."""
    return f"facts in batches of 500, {level:,} links in the tables"


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Fills one tenant over HTTP; at each level, measures a few samples of ``STEP`` facts."""
    tenant = await tether.tenant()
    levels = [level for level in LEVELS if level <= effort.of(LEVELS[-1], BASE)]
    rates: dict[int, list[float]] = {level: [] for level in levels}
    sizes: dict[int, dict[str, float]] = {0: usage.resident(tether.pids)}
    facts = at_base = 0
    async with LoadClient() as client:

        async def publish(count: int) -> float:
            nonlocal facts
            order = PublishOrder(tether.events, tenant.key, "items", count, facts)
            sent = await client.send(order)
            facts += count
            return sent.accepted / sent.seconds

        for level in levels:
            wanted = -(-level * 100 // 99)  # one fact in a hundred is a category's
            while facts < wanted:
                effort.show(f"loading: {facts:,} of {wanted:,} facts")
                await publish(min(50_000, wanted - facts))
                sizes[facts] = usage.resident(tether.pids)
            if level == BASE:
                at_base = facts
            effort.show(name(level))
            rates[level] = [await publish(STEP) for _ in range(max(3, effort.runs))]
            sizes[facts] = usage.resident(tether.pids)
    samples = {name(level): Samples(rates[level], rates[BASE]) for level in levels}
    samples[MEMORY] = Samples([_total(sizes[facts])], [_total(sizes[at_base])])
    return Measurement(samples, {"megabytes": {str(facts): size for facts, size in sizes.items()}})


def _total(size: dict[str, float]) -> float:
    return sum(size[part] for part in PARTS)


ROW = Benchmark(
    name="growth",
    title="The rate of facts as links grow, and memory",
    figures=(
        *(
            Figure(name(at), "facts/s", f"itself at {BASE:,}", Budget(ratio=0.8 if at > BASE else None))
            for at in LEVELS
        ),
        Figure(MEMORY, "MB", f"itself at {BASE:,} links", Budget(most_above=50), less_is_better=True),
    ),
    bound="The depth and the cache hits of seven indexes; autovacuum and checkpoints use the disk as well.",
    measure=measure,
)
