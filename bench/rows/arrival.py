"""Measures the fact of a parent for which very many children wait."""

import time

import orjson

from bench.drivers import wire
from bench.drivers.client import ONE, LoadClient, PublishOrder
from bench.drivers.facts import event
from bench.drivers.stack import Connection, MeasuredTether, Tenant
from bench.drivers.wire import Wire
from bench.errors import InvalidMeasurement
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples

CHILDREN = 100_000
AWAITED = "awaited"
"""Key of the one category that all children refer to."""
TIME = "POST of a parent for which 100,000 wait"

_BEFORE = """
create schema before;
create table before.entities as select * from tether.entities where false;
create table before.waits as select * from tether.waits where false;
"""


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Posts alternately the parent for which children wait, and a parent without children."""
    samples = Samples([], [])
    tenant = await tether.tenant()
    async with tether.database() as conn, LoadClient() as client:
        effort.show(f"{CHILDREN:,} children wait")
        await client.send(PublishOrder(tether.events, tenant.key, "children", CHILDREN))
        await conn.execute("vacuum analyze tether.entities, tether.links, tether.facts, tether.waits")
        await _save_rows(conn, tenant)
        post = await wire.connect(tether.events)
        effort.show("their parent arrives")
        for n in range(effort.of(25, 18)):
            ours = await _post(post, tether, tenant, AWAITED, n)
            await _restore_rows(conn, tenant)
            limit = await _post(post, tether, tenant, f"fresh{n}", n)
            if n >= 3:  # the first are the warm-up
                samples.ours.append(ours)
                samples.limit.append(limit)
        post.close()
    return Measurement({TIME: samples}, {"children": CHILDREN})


async def _post(connection: Wire, tether: MeasuredTether, tenant: Tenant, key: str, n: int) -> float:
    """Posts the fact of a category; returns the milliseconds until the response."""
    facts = event("/categories", "CategoryAdded.v1", key, {"name": "At last"}) | {"id": f"{key}-{n}"}
    request = wire.request(tether.events, tenant.key, ONE, orjson.dumps(facts))
    began = time.perf_counter()
    status, answer = await connection.exchange(request)
    took = time.perf_counter() - began
    if status != 202 or orjson.loads(answer)["accepted"] != 1:
        raise InvalidMeasurement(f"the parent was not accepted: {status} {answer[:300]!r}")
    return took * 1_000


async def _save_rows(conn: Connection, tenant: Tenant) -> None:
    await conn.execute(_BEFORE)
    await conn.execute(
        "insert into before.entities select * from tether.entities where tenant = $1 and key = $2", tenant.name, AWAITED
    )
    placeholder = await conn.fetch("select state from before.entities")
    if [row["state"] for row in placeholder] != ["unknown"]:
        raise InvalidMeasurement(f"nothing waits for the category: {placeholder}")
    await conn.execute(
        "insert into before.waits select * from tether.waits where tenant = $1 and parent = $2", tenant.name, AWAITED
    )


async def _restore_rows(conn: Connection, tenant: Tenant) -> None:
    """Restores the rows as they were before the parent's fact; loading the children again would take too long."""
    async with conn.transaction():
        await conn.execute(
            "delete from tether.entities where tenant = $1 and kind = 'category' and key = $2", tenant.name, AWAITED
        )
        await conn.execute("insert into tether.entities select * from before.entities")
        await conn.execute("insert into tether.waits select * from before.waits on conflict do nothing")


ROW = Benchmark(
    name="arrival",
    title="A parent arrives for which 100,000 children wait",
    figures=(
        Figure(TIME, "ms", "the same POST for a parent without children", Budget(most_above=10), less_is_better=True),
    ),
    bound="One commit: the children's links are not written, because their state follows from the row of their parent.",
    measure=measure,
)
