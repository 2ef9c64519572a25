"""Measures the deletion of a parent with very many children without commands: its links break with its row."""

import time

import orjson

from bench.drivers import wire
from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.facts import RECIPES, event
from bench.drivers.publishing import publish, publish_one
from bench.drivers.stack import Connection, MeasuredTether, Tenant
from bench.errors import InvalidMeasurement
from bench.limits import set_based
from bench.report.figures import Effort, Measurement, Samples

DELETED = "links alone: the parent's Deleted fact breaks all of them"
CLOSED = "links alone: their children's Deleted facts, batches of 500"
PARENT, EMPTY = "awaited", "empty"
"""Keys of the category to which the recipe ``children`` refers, and of a category without items."""


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Deletes the parent, then its children; Tether and the limit alternately, each run in a new tenant."""
    count = effort.of(100_000, 5_000)
    found = {DELETED: Samples([], []), CLOSED: Samples([], [])}
    counted: list[float] = []
    runs = min(effort.runs, 2)  # one run is the mean of a hundred thousand children
    async with tether.database() as conn, LoadClient() as client:
        await conn.execute(set_based.SCHEMA)
        for run in range(runs + 1):
            children = count if run else count // 20
            effort.show(f"links alone, {children:,} children, run {run} of {runs}")
            tenant = await tether.tenant()
            for key in (PARENT, EMPTY):
                await publish_one(tether, tenant, "/categories", "CategoryAdded.v1", key, {"name": key})
            await client.send(PublishOrder(tether.events, tenant.key, "children", children))
            deleted, limit = await _delete_parents(tether, tenant)
            took = await _broken(tether, tenant, children)
            sent = await client.send(PublishOrder(tether.events, tenant.key, "removals", children))
            await _broken(tether, tenant, 0)
            by_sql = await _by_sql(conn, tether, tenant, children)
            if run:  # the first is the warm-up
                counted.append(took)
                found[DELETED].ours.append(deleted)
                found[DELETED].limit.append(limit)
                found[CLOSED].ours.append(sent.seconds)
                found[CLOSED].limit.append(by_sql)
    line = (
        f"links alone: {count:,} children; all links are read as broken at once, counting them took {counted[0]:.0f} ms"
    )
    return Measurement(found, {"children": count, "counting_ms": counted}, [line])


async def _delete_parents(tether: MeasuredTether, tenant: Tenant) -> list[float]:
    """Deletes two parents; returns the milliseconds of the one with all children and of the one without any."""
    post = await wire.connect(tether.events)
    removed = [event("/categories", "CategoryRemoved.v1", key, {}, 2) for key in ("warm-up", PARENT, EMPTY)]
    took = [(await publish(post, tether, tenant, fact))[0] for fact in removed]
    post.close()
    return took[1:]


async def _broken(tether: MeasuredTether, tenant: Tenant, wanted: int) -> float:
    """Counts the links; returns the milliseconds. Raises InvalidMeasurement unless ``wanted`` exist, all broken."""
    path = "/v1/relationships/category_item?counts=true"
    connection = await wire.connect(tether.urls.api)
    began = time.perf_counter()
    status, answer = await connection.exchange(wire.get(tether.urls.api, path, tenant.key))
    took = time.perf_counter() - began
    connection.close()
    counts = orjson.loads(answer).get("counts", {}) if status == 200 else {}
    if counts.get("broken") != wanted or sum(counts.values()) != wanted:
        raise InvalidMeasurement(f"{wanted} links should be broken, and no others exist: {status} {answer[:500]!r}")
    return took * 1_000


async def _by_sql(conn: Connection, tether: MeasuredTether, tenant: Tenant, children: int) -> float:
    """Writes the rows of the removals of the children by set-based SQL; returns the seconds."""
    added = set_based.entries(tether.catalog, RECIPES["children"](0, children))
    await set_based.load(conn, tether.catalog, tenant.name, added)
    removed = set_based.entries(tether.catalog, RECIPES["removals"](0, children))
    return await set_based.close(conn, tether.catalog, tenant.name, removed)
