"""``python -m bench.conservation``: merges all profiles of a large tenant two by two, and takes every merge back.

Measures that nothing is lost: the multisets of activity and links are the same before and after, each survivor has the
activity of both records, and undoing everything gives the hash of never having merged. And what it costs: the rate
against the same rows by set-based SQL, in turns, and the memory of the API and PostgreSQL meanwhile. Takes minutes.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.facts import RECIPES
from bench.drivers.stack import Connection, MeasuredTether, Tenant, with_tether
from bench.errors import InvalidMeasurement
from bench.limits import merged, set_based
from bench.report import usage
from facts.order_key import at_position
from store.audit import fingerprint
from store.audit.fingerprint import Fingerprint
from store.db.pool import create_pool
from store.db.sql import OPEN

ACTIVITY = 3
"""Items of activity of each profile."""
TURNS = 10
"""Parts of the merges, each followed by the same rows by set-based SQL."""
RATIO, GROWTH = 0.5, 50.0
"""Least ratio to the limit; most megabytes by which a process may grow."""

_CONSERVED = """
select 'activity' as what, count(*)::text || ' ' || sum(('x' || substr(md5(
           row(a.kind, a.key, a.happened, a.position, a.source, a.id, f.digest)::text), 1, 16))
           ::bit(64)::bigint::numeric) as found
from activities a join facts f on f.tenant = a.tenant and f.source = a.source and f.id = a.id
where a.tenant = $1 and a.to_revision = $2
union all
select 'links', count(*)::text || ' ' || sum(('x' || substr(md5(
           row(relationship, coalesce(stated_child, child), coalesce(stated_parent, parent))::text), 1, 16))
           ::bit(64)::bigint::numeric)
from links where tenant = $1 and to_revision = $2
"""
_UNEVEN = """
select count(*) from (
    select coalesce(s.survivor, a.key) as entity, count(*) as items
    from activities a
    left join aliases s on s.tenant = a.tenant and s.kind = a.kind and s.key = a.key and s.to_revision = $2
    where a.tenant = $1 and a.to_revision = $2 group by 1) e
where items <> $3
"""
_ASTRAY = """
select count(*) from links l
where l.tenant = $1 and l.to_revision = $2 and exists (
    select from aliases a
    where a.tenant = l.tenant and a.kind = 'person' and a.key = l.parent and a.to_revision = $2)
"""


@dataclass
class Outcome:
    """What was found. ``failures``: what should hold and does not."""

    figures: dict[str, object] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, expected: object) -> None:
        """Notes a figure that has to be another one as a failure."""
        self.figures[what] = found
        if found != expected:
            self.failures.append(f"{what}: {found}, not {expected}")


def main() -> int:
    """Runs the command. Returns its exit code: 0 if all holds, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.conservation", description=__doc__)
    parser.add_argument("--merges", type=int, default=50_000, metavar="NUMBER", help="half as many as profiles")
    merges = parser.parse_args().merges // TURNS * TURNS
    console = Console()
    outcome = with_tether(lambda tether: _measure(tether, merges, console))
    for what, figure in outcome.figures.items():
        console.print(f"{what}: {figure}", highlight=False)
    for failure in outcome.failures:
        console.print(failure, style="red", highlight=False)
    return 1 if outcome.failures else 0


async def _measure(tether: MeasuredTether, merges: int, console: Console) -> Outcome:
    outcome = Outcome({"profiles": 2 * merges, "items of activity": 2 * merges * ACTIVITY, "merges": merges})
    tenant = await tether.tenant()
    async with tether.database() as conn, LoadClient() as client:

        async def send(recipe: str, count: int, start: int = 0) -> float:
            return (await client.send(PublishOrder(tether.events, tenant.key, recipe, count, start))).seconds

        console.print("filling", highlight=False)
        await send("people", 2 * merges)
        await send("visits", 2 * merges * ACTIVITY)
        await send("tickets", 2 * merges)
        await conn.execute(set_based.SCHEMA)
        await conn.execute(merged.SCHEMA)
        await conn.execute("insert into plain.links select * from tether.links where tenant = $1", tenant.name)
        await conn.execute("analyze plain.links")
        never = await _fingerprint(tether, tenant)
        before = await _conserved(conn, tenant)
        outcome.figures |= before
        ours, limit = 0.0, 0.0
        ratios = []
        size = merges // TURNS
        parents = [relationship.name for relationship in tether.catalog.by_parent["person"]]
        await send("merges", size)  # the warm-up, which both sides have
        async with _sampled(tether.pids) as memory:
            for turn in range(1, TURNS):
                took = await send("merges", size, turn * size)
                facts = set_based.entries(tether.catalog, RECIPES["merges"](turn * size, size))
                facts = [fact.with_order(at_position(fact.order, at)) for at, fact in enumerate(facts)]
                least = await merged.load(conn, tenant.name, facts, parents)
                console.print(f"part {turn + 1} of {TURNS}: {size / took:,.0f} merges/s, limit {size / least:,.0f}")
                ours, limit = ours + took, limit + least
                ratios.append(least / took)
        _add_costs(outcome, (TURNS - 1) * size, ours, limit, ratios, memory)
        for what, found in (await _conserved(conn, tenant)).items():
            outcome.expect(f"{what}, merged", found, before[what])
        outcome.expect("survivors without the activity of both", await conn.fetchval(_UNEVEN, *_at(tenant), 6), 0)
        outcome.expect("links to a loser", await conn.fetchval(_ASTRAY, *_at(tenant)), 0)
        took = await send("partings", merges)
        outcome.figures["undone"] = f"{merges / took:,.0f} merges/s"
        for what, found in (await _conserved(conn, tenant)).items():
            outcome.expect(f"{what}, undone", found, before[what])
        outcome.expect("hash of never having merged", await _fingerprint(tether, tenant) == never, expected=True)
    return outcome


def _add_costs(
    outcome: Outcome, merges: int, ours: float, limit: float, ratios: list[float], memory: Mapping[str, list[float]]
) -> None:
    outcome.figures["merges/s"] = f"{merges / ours:,.0f}, limit {merges / limit:,.0f}"
    ratio = median(ratios)
    outcome.figures["ratio"] = f"{ratio:.2f} (median of {len(ratios)}, {min(ratios):.2f} to {max(ratios):.2f})"
    if ratio < RATIO:
        outcome.failures.append(f"ratio: {ratio:.2f}, not {RATIO} or more")
    for part, samples in memory.items():
        grown = median(samples[-5:]) - median(samples[:5])
        outcome.figures[f"memory of {part}"] = (
            f"{samples[0]:.0f} MB, then {samples[-1]:.0f} MB, at most {max(samples):.0f} MB ({len(samples)} samples)"
        )
        if grown > GROWTH:
            outcome.failures.append(f"memory of {part}: {grown:.0f} MB more, not {GROWTH:.0f} or less")


@asynccontextmanager
async def _sampled(pids: Mapping[str, int]) -> AsyncIterator[dict[str, list[float]]]:
    """Samples the memory of the API and of PostgreSQL twice a second within the block."""
    samples: dict[str, list[float]] = {"api": [], "postgres": []}

    async def sample() -> None:
        while True:
            found = usage.resident({part: pids[part] for part in samples})
            for part, size in found.items():
                samples[part].append(size)
            await asyncio.sleep(0.5)

    task = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _at(tenant: Tenant) -> tuple[str, int]:
    return tenant.name, OPEN


async def _conserved(conn: Connection, tenant: Tenant) -> dict[str, str]:
    """activity, links → count and hash of the multiset, by the keys that their owners stated."""
    return {row["what"]: row["found"] for row in await conn.fetch(_CONSERVED, *_at(tenant))}


async def _fingerprint(tether: MeasuredTether, tenant: Tenant) -> Fingerprint:
    """The hashes of all entities, links and aliases."""
    pool = await create_pool(tether.urls.database, 1, name="bench")
    try:
        async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read"):
            query = "select revision from tether.tenant_revisions where tenant = $1"
            revision = await conn.fetchval(query, tenant.name)
            if revision is None:
                raise InvalidMeasurement("nothing was recorded")
            return await fingerprint.of_tables(conn, tether.catalog, tenant.name, revision)
    finally:
        await pool.close()


if __name__ == "__main__":
    sys.exit(main())
