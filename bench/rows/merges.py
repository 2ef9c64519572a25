"""Measures merges of profiles in bulk, by facts in batches: of such without links, and of such with one each."""

from collections.abc import Iterator

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.facts import RECIPES
from bench.drivers.stack import Connection, MeasuredTether, Tenant
from bench.limits import merged, set_based
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples
from facts.order_key import at_position

MERGES = 6_250
ACTIVITY = 3
"""Items of activity of each profile."""
LIMIT = "the same rows by set-based SQL in one process"
ALONE, LINKED = "merges in batches of 500, no links", "merges in batches of 500, a link moves with each"
MEMORY = "memory of the API, after the merges"


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Fills one tenant with profiles and their activity, and merges them two by two, a part in each run."""
    merges = effort.of(MERGES, 2_000)
    runs = [*_runs(effort)]
    people = 2 * merges * len(runs)
    samples = {name: Samples([], []) for name in (ALONE, LINKED)}
    notes: dict[str, object] = {}
    tenant = await tether.tenant()
    async with tether.database() as conn, LoadClient() as client:

        async def send(recipe: str, count: int, start: int = 0) -> float:
            order = PublishOrder(tether.events, tenant.key, recipe, count, start)
            return (await client.send(order)).seconds

        effort.show(f"{people:,} profiles, {ACTIVITY * people:,} items of activity")
        await send("people", people)
        await send("visits", ACTIVITY * people)
        linked = [n for n, (name, _) in enumerate(runs) if name == LINKED]
        await send("tickets", 2 * merges * len(linked), 2 * merges * linked[0])
        await _copy_links(conn, tenant)
        memory = usage.resident(tether.pids)["api"]
        for n, (name, run) in enumerate(runs):
            effort.show(f"{name}, run {run} of {effort.runs}")
            before = usage.cpu(tether.pids)
            took = await send("merges", merges, n * merges)
            spent = usage.each(before, usage.cpu(tether.pids), merges)
            facts = set_based.entries(tether.catalog, RECIPES["merges"](n * merges, merges))
            facts = [fact.with_order(at_position(fact.order, at)) for at, fact in enumerate(facts)]
            parents = [relationship.name for relationship in tether.catalog.by_parent["person"]]
            limit = await merged.load(conn, tenant.name, facts, parents if name == LINKED else ())
            if run:  # the first is the warm-up
                samples[name].ours.append(merges / took)
                samples[name].limit.append(merges / limit)
                notes[f"cpu_us_per_merge: {name}"] = spent
        samples[MEMORY] = Samples([usage.resident(tether.pids)["api"]], [memory])
    return Measurement(samples, {"people": people, "merges": merges * len(runs), **notes})


def _runs(effort: Effort) -> Iterator[tuple[str, int]]:
    for name in (ALONE, LINKED):
        for run in range(effort.runs + 1):
            yield name, run


async def _copy_links(conn: Connection, tenant: Tenant) -> None:
    """Makes the tables of the limit, with the links that are to move."""
    await conn.execute(set_based.SCHEMA)
    await conn.execute(merged.SCHEMA)
    await conn.execute("insert into plain.links select * from tether.links where tenant = $1", tenant.name)
    await conn.execute("analyze plain.links")  # else the planner may enter an index by columns that all rows share


ROW = Benchmark(
    name="merges",
    title="Profiles merged two by two, by facts in batches of 500",
    figures=(
        Figure(ALONE, "merges/s", LIMIT, Budget(ratio=0.5)),
        Figure(LINKED, "merges/s", LIMIT, Budget(ratio=0.5)),
        Figure(MEMORY, "MB", "before the merges", Budget(most_above=50), less_is_better=True),
    ),
    bound=(
        "The event loop of the one API process, which validates facts and works out clusters between the statements of "
        "the one transaction that the tenant's lock allows; then PostgreSQL's index entries of fact, pair, alias and "
        "merge, and of both versions of a link that moves."
    ),
    measure=measure,
)
