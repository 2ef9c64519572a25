"""Measures the feed: items to 1, 10 and 100 followers against the bare query, and what followers cost a writer."""

import asyncio
import time

from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.followers import Followers, FollowOrder
from bench.drivers.stack import Connection, MeasuredTether, Tenant
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples, percentile

ITEMS = {n: f"items a second to {n} follower{'s' * (n > 1)}" for n in (1, 10, 100)}
POSTS = {at: f"a single fact beside 300 followers, p{at}" for at in (50, 99)}
RELATIONSHIP = "category_item"
PAGE = 1_000
PARCELS = 1_000_000
"""The number of the first fact that is published between two measurements."""
PACE, WRITERS, WAITING = 100, 4, 300
"""Single facts a second, and their connections; followers that wait meanwhile."""

BARE = """
select l.from_revision, l.child, l.parent, e.state
from tether.links l
left join lateral (
    select state from tether.entities e
    where e.tenant = $1 and e.kind = 'category' and e.key = l.parent and e.to_revision > l.from_revision
    order by e.to_revision limit 1) e on true
where l.tenant = $1 and l.relationship = $2 and (l.from_revision, l.child) > ($3, $4)
order by l.from_revision, l.child
limit $5
"""


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Fills a tenant, reads its feed; then posts single facts with and without followers."""
    facts = effort.of(100_000, 20_000)
    rows = facts - facts // 100
    found = {name: Samples([], []) for name in (*ITEMS.values(), *POSTS.values())}
    notes: dict[str, object] = {"items": rows}
    tenant = await tether.tenant()
    async with LoadClient() as client, Followers() as followers, tether.database() as conn:
        effort.show(f"{facts:,} facts")
        await client.send(PublishOrder(tether.events, tenant.key, "items", facts))
        await conn.execute("vacuum analyze tether.links, tether.entities")
        number = PARCELS
        for run in range(effort.runs + 1):
            bare = await _bare(conn, tenant, rows)
            for n, name in ITEMS.items():
                effort.show(f"run {run} of {effort.runs}: {n} followers")
                # Pages that were read for other followers are not shared after another revision.
                await client.send(PublishOrder(tether.events, tenant.key, "parcels", 1, number))
                number += 1
                before = usage.cpu(tether.pids)
                query = f"relationship={RELATIONSHIP}"
                followed = await followers.follow(FollowOrder(tether.urls.api, tenant.key, query, n, items=rows))
                if run:
                    found[name].ours.append(followed.items / followed.seconds)
                    found[name].limit.append(bare)
                    notes[name] = {"cpu_us_per_item": usage.each(before, usage.cpu(tether.pids), n * rows)}
        for run in range(effort.runs):
            effort.show(f"run {run + 1} of {effort.runs}: single facts, without and with {WAITING} followers")
            alone = await _posts(client, tether, tenant, facts + 2 * run * 2_000, effort)
            seconds = effort.of(2_000, 600) / PACE + 4
            order = FollowOrder(tether.urls.api, tenant.key, "limit=1000", WAITING, offset="now", seconds=seconds)
            following = asyncio.create_task(followers.follow(order))
            await asyncio.sleep(2)  # until all are connected
            beside = await _posts(client, tether, tenant, facts + (2 * run + 1) * 2_000, effort)
            notes["received"] = (await following).items
            for at, name in POSTS.items():
                found[name].ours.append(percentile(beside, at))
                found[name].limit.append(percentile(alone, at))
    lines = [f"{name}: {notes[name]}" for name in ITEMS.values()]
    return Measurement(found, notes, lines)


async def _bare(conn: Connection, tenant: Tenant, rows: int) -> float:
    """Rows a second of the query alone, by pages, of one connection."""
    began, place, count = time.perf_counter(), (0, ""), 0
    while found := await conn.fetch(BARE, tenant.name, RELATIONSHIP, *place, PAGE):
        count += len(found)
        place = found[-1]["from_revision"], found[-1]["child"]
    assert count == rows, (count, rows)
    return count / (time.perf_counter() - began)


async def _posts(client: LoadClient, tether: MeasuredTether, tenant: Tenant, start: int, effort: Effort) -> list[float]:
    """Milliseconds of single facts, at a pace."""
    order = PublishOrder(tether.events, tenant.key, "parcels", effort.of(2_000, 600), start, 1, WRITERS, PACE)
    return (await client.send(order)).took


ROW = Benchmark(
    name="feed",
    title="The feed to 1, 10 and 100 followers against the bare query, and what followers cost a writer",
    figures=(
        *(
            Figure(name, "items/s", "the bare query, by pages", Budget(least=50_000) if n == 100 else Budget())
            for n, name in ITEMS.items()
        ),
        *(
            Figure(name, "ms", "the same facts, no followers", Budget(ratio=0.8) if at == 99 else Budget(), True)
            for at, name in POSTS.items()
        ),
    ),
    bound=(
        "To one follower: the queries of each page and its JSON, in turns. To many that read the same: the sockets, as "
        "a page is read once. Beside writers: the followers' share of the API's event loop."
    ),
    measure=measure,
)
