"""What it costs as it grows: the rate of facts with ever more links resident, and the memory of every process."""

from bench.drivers.client import LoadClient, Order
from bench.drivers.stack import MeasuredTether
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples

LEVELS = (10_000, 100_000, 1_000_000)
"""Links that are resident when the rate is measured."""
BASE = 100_000
"""What all others are compared with."""
MEMORY = "memory of Tether and PostgreSQL, at the end"
PARTS = ("api", "dispatcher", "worker", "postgres")
STEP = 10_000
"""Facts in one sample."""


def name(level: int) -> str:
    """Of the figure for so many links."""
    return f"facts in batches of 500, {level:,} links resident"


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """One tenant, filled up over HTTP; at each level a few samples of so many facts."""
    tenant = await tether.tenant()
    levels = [level for level in LEVELS if level <= effort.of(LEVELS[-1], BASE)]
    rates: dict[int, list[float]] = {level: [] for level in levels}
    sizes: dict[int, dict[str, float]] = {0: usage.resident(tether.pids)}
    facts = at_base = 0
    async with LoadClient() as client:

        async def publish(count: int) -> float:
            nonlocal facts
            order = Order(tether.events, tenant.key, "items", count, facts)
            sent = await client.send(order)
            facts += count
            return sent.accepted / sent.seconds

        for level in levels:
            wanted = -(-level * 100 // 99)  # one fact in a hundred is a category's
            while facts < wanted:
                effort.say(f"filling up: {facts:,} of {wanted:,} facts")
                await publish(min(50_000, wanted - facts))
                sizes[facts] = usage.resident(tether.pids)
            if level == BASE:
                at_base = facts
            effort.say(name(level))
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
    bound="The depth and the cache hits of seven indexes; autovacuum and checkpoints take their share of the disk.",
    measure=measure,
)
