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
    told = at_base = 0
    async with LoadClient() as client:

        async def tell(count: int) -> float:
            nonlocal told
            order = Order(tether.events, tenant.key, "items", count, told)
            sent = await client.send(order)
            told += count
            return sent.accepted / sent.seconds

        for level in levels:
            wanted = -(-level * 100 // 99)  # one fact in a hundred is a category's
            while told < wanted:
                effort.say(f"filling up: {told:,} of {wanted:,} facts")
                await tell(min(50_000, wanted - told))
                sizes[told] = usage.resident(tether.pids)
            if level == BASE:
                at_base = told
            effort.say(name(level))
            rates[level] = [await tell(STEP) for _ in range(max(3, effort.runs))]
            sizes[told] = usage.resident(tether.pids)
    samples = {name(level): Samples(rates[level], rates[BASE]) for level in levels}
    samples[MEMORY] = Samples([_total(sizes[told])], [_total(sizes[at_base])])
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
