"""Measures many events with fifty teams each: loading them, keeping them at rest, and changing one of them."""

from dataclasses import asdict

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.owner import running_owner
from bench.drivers.single import SingleChanges
from bench.drivers.stack import MeasuredTether, Tenant
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples, percentile
from bench.report.rest import RestCounts, at_rest
from bench.report.size import Size, size

EVENTS, TEAMS = 20_000, 50
BASE = 200
"""Number of events when single changes are measured for the first time."""
PARTS = 10
RATE = f"facts in batches of 500, the last tenth of events with {TEAMS} teams"
OPEN = "open at rest"
MEMORY = "memory of Tether and PostgreSQL at rest"
MOVED = {at: f"a team moves: from its fact until a read shows it, p{at}" for at in (50, 99)}
DELETED = f"an event and its {TEAMS} teams are deleted, all facts settled, p50"
READ = {at: f"an event's {TEAMS} teams are read, p{at}" for at in (50, 99)}
ITSELF = f"itself at {BASE * TEAMS:,} links"


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Fills one tenant over HTTP; measures single changes near the beginning and at the end."""
    events = effort.of(EVENTS, 400)
    tenant = await tether.tenant()
    async with (
        running_owner(tether, "teams", "team", tether.owners["teams"], tenant.key),
        running_owner(tether, "events", "event", tether.owners["events"], tenant.key),
        tether.database() as conn,
        LoadClient() as client,
    ):
        effort.show(f"{BASE:,} events")
        await _publish_events(client, tether, tenant, 0, BASE)
        single = SingleChanges(tether, tenant, conn)
        small = await _costs(single, effort, range(BASE))
        await at_rest(tether, conn)
        memory = _megabytes(tether)
        before = await size(conn)
        rates, took = [], 0.0
        step = (events - BASE) // PARTS
        for part in range(PARTS):
            effort.show(f"{events:,} events, part {part + 1} of {PARTS}")
            seconds = await _publish_events(client, tether, tenant, BASE + part * step, step)
            took += seconds
            rates.append(step * (TEAMS + 1) / seconds)
        after = await size(conn)
        rest = await at_rest(tether, conn)
        grown = _megabytes(tether)
        effort.show("single changes")
        large = await _costs(single, effort, range(BASE, BASE + PARTS * step))
        await at_rest(tether, conn)
    samples = {
        RATE: Samples(rates[-1:], rates[:1]),
        OPEN: Samples([rest.workflows], [0]),
        MEMORY: Samples([grown], [memory]),
        **{name: Samples(large[name], small[name]) for name in large},
    }
    links = PARTS * step * TEAMS
    spent = after.without(before)
    bytes_ = {name: count for name, count in spent.each(links).items() if count}
    notes = {"links": links, "seconds": took, "rates": rates, "bytes_per_link": bytes_, "at_rest": asdict(rest)}
    return Measurement(samples, notes, _lines(links, took, rates, spent, rest))


async def _costs(single: SingleChanges, effort: Effort, events: range) -> dict[str, list[float]]:
    """Measures reads, moves and deletions, each with events of its own; returns samples by figure."""
    many, few = effort.of(500, 100), effort.of(20, 5)
    middle, doomed = len(events) // 2, len(events) - few
    read, moved = await single.reads(events[:middle], many), await single.moves(events[middle:doomed], many)
    return {
        **{name: [percentile(moved, at)] for at, name in MOVED.items()},
        DELETED: await single.deletions(events[doomed:]),
        **{name: [percentile(read, at)] for at, name in READ.items()},
    }


async def _publish_events(client: LoadClient, tether: MeasuredTether, tenant: Tenant, start: int, events: int) -> float:
    """Publishes events and their teams; returns the seconds."""
    each = TEAMS + 1
    return (await client.send(PublishOrder(tether.events, tenant.key, "events", events * each, start * each))).seconds


def _megabytes(tether: MeasuredTether) -> float:
    found = usage.resident(tether.pids)
    return sum(found[part] for part in ("api", "dispatcher", "worker", "postgres"))


def _lines(links: int, took: float, rates: list[float], spent: Size, rest: RestCounts) -> list[str]:
    each = spent.each(links)
    lines = [
        f"{links:,} links loaded in {took:.1f} s; facts/s: first tenth {rates[0]:,.0f}, last tenth {rates[-1]:,.0f}",
        f"at rest: {rest.workflows} open workflows, {rest.ended} ended; {rest.outbox} outbox rows, {rest.waits} waits",
        f"bytes on disk a link: {sum(each.values()) - each['WAL']:.0f}; written to the WAL: {each['WAL']:.0f}",
    ]
    return lines + [f"  {name:<36} {number:7.1f}" for name, number in each.items() if number >= 0.05]


ROW = Benchmark(
    name="scale",
    title=f"{EVENTS:,} events with {TEAMS} teams each, at rest and changing",
    figures=(
        Figure(RATE, "facts/s", "its own first tenth", Budget(ratio=0.8)),
        Figure(OPEN, "workflows", "a link at rest is a row", Budget(most=0), less_is_better=True),
        Figure(MEMORY, "MB", ITSELF, Budget(most_above=50), less_is_better=True),
        *(Figure(name, "ms", ITSELF, Budget(ratio=0.5) if at == 50 else Budget(), True) for at, name in MOVED.items()),
        Figure(DELETED, "ms", ITSELF, Budget(ratio=0.5), less_is_better=True),
        *(Figure(name, "ms", ITSELF, Budget(ratio=0.5) if at == 50 else Budget(), True) for at, name in READ.items()),
    ),
    bound=(
        "Loading: as with batches. A move and a read: two requests and one, through the API's event loop, and a few "
        "steps in each index, whose depth grows by one page for each hundredfold. A deletion: an owner that publishes "
        "only every 50 ms, twice; the rest are workflow tasks, and the dispatcher's pauses between two reads."
    ),
    measure=measure,
)
