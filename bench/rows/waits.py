"""Measures a relationship that needs a workflow: one command to an owner, the owner's fact, an announcement."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles

import orjson

from bench.drivers import wire
from bench.drivers.child_process import child_process, listening
from bench.drivers.client import ONE, LoadClient, PublishOrder
from bench.drivers.facts import RECIPES
from bench.drivers.stack import Connection, MeasuredTether
from bench.errors import InvalidMeasurement
from bench.limits import set_based
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples
from devstack.parts import says_ready
from devstack.ports import LOOPBACK, free_port

RATE, MIDDLE, TAIL = (f"a group's channel is requested, {what}" for what in ("in flight", "alone, p50", "alone, p99"))
TIMEOUT = 120.0
"""Seconds after which a missing announcement fails the measurement."""


@dataclass(frozen=True)
class WaitDriver:
    """Drives Tether or the workflow written by hand. ``announced``: a query that counts announcements of a tenant."""

    events: str
    key: str
    announced: str
    tenant: str
    conn: Connection
    client: LoadClient

    async def count(self) -> int:
        """Returns the number of announcements so far."""
        return int(await self.conn.fetchval(self.announced, self.tenant))

    async def until(self, wanted: int, pause: float) -> float:
        """Waits for ``wanted`` announcements, polling every ``pause`` seconds; returns the monotonic time then."""
        async with asyncio.timeout(TIMEOUT):
            while await self.count() < wanted:  # noqa: ASYNC110 - rows of another process cannot set an event
                await asyncio.sleep(pause)
        return time.monotonic()

    async def in_flight(self, start: int, count: int) -> float:
        """Publishes ``count`` groups at once; returns instances a second."""
        known = await self.count()
        sent = await self.client.send(PublishOrder(self.events, self.key, "groups", count, start, batch=50))
        return count / (await self.until(known + count, 0.02) - sent.began)

    async def alone(self, start: int, count: int) -> list[float]:
        """Publishes groups one after another; returns the milliseconds of each until its announcement."""
        took = []
        connection = await wire.connect(self.events)
        for group in RECIPES["groups"](start, count):
            known = await self.count()
            began = time.monotonic()
            status, answer = await connection.exchange(wire.request(self.events, self.key, ONE, orjson.dumps(group)))
            if status != 202:
                raise InvalidMeasurement(f"{self.events} answered {status}: {answer[:300]!r}")
            took.append((await self.until(known + 1, 0.002) - began) * 1_000)
        connection.close()
        return took


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Measures Tether and the workflow written by hand alternately, on the same Temporal server."""
    many, few = effort.of(200, 100), effort.of(100, 40)
    found = {name: Samples([], []) for name in (RATE, MIDDLE, TAIL)}
    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(tether.database())
        client = await stack.enter_async_context(LoadClient())
        await conn.execute(set_based.SCHEMA)
        ours = await stack.enter_async_context(_ours(tether, conn, client))
        by_hand = await stack.enter_async_context(_by_hand(tether, conn, client))
        start = 0
        for run in range(effort.runs + 1):
            for driver, is_ours in ((ours, True), (by_hand, False)):
                effort.show(f"{'Tether' if is_ours else 'by hand'}, run {run} of {effort.runs}")
                rate = await driver.in_flight(start, many if run else 20)
                alone = await driver.alone(start + many, few if run else 5)
                if run:  # the first is the warm-up
                    for name, value in ((RATE, rate), (MIDDLE, median(alone)), (TAIL, quantiles(alone, n=100)[98])):
                        (found[name].ours if is_ours else found[name].limit).append(value)
                await asyncio.sleep(0.5)  # so that these workflows end before the others begin
            start += many + few
    return Measurement(found)


@asynccontextmanager
async def _ours(tether: MeasuredTether, conn: Connection, client: LoadClient) -> AsyncIterator[WaitDriver]:
    tenant = await tether.tenant()
    announced = "select count(*) from tether.facts where tenant = $1 and source = '/tether'"
    async with _channels(tether, tether.owners["channels"], tether.urls.api, tenant.key):
        yield WaitDriver(tether.events, tenant.key, announced, tenant.name, conn, client)


@asynccontextmanager
async def _by_hand(tether: MeasuredTether, conn: Connection, client: LoadClient) -> AsyncIterator[WaitDriver]:
    intake, channels = free_port(), free_port()
    url, owner = f"http://{LOOPBACK}:{intake}", f"http://{LOOPBACK}:{channels}"
    announced = "select count(*) from plain.facts where tenant = $1 and source = '/tether'"
    async with (
        child_process(
            tether.folder, "bench.limits.by_hand_intake", str(intake), ready=listening(intake), env=tether.environment
        ),
        child_process(
            tether.folder, "bench.limits.by_hand_worker", owner, ready=says_ready, env=tether.environment,
            stdin=tether.urls.database + "\n",
        ),
        _channels(tether, channels, url, "none"),
    ):  # fmt: skip
        yield WaitDriver(f"{url}/v1/events", "none", announced, "by-hand", conn, client)


@asynccontextmanager
async def _channels(tether: MeasuredTether, port: int, to: str, key: str) -> AsyncIterator[None]:
    """The service that owns channels, as an instance of its own that publishes to ``to``."""
    database = tether.folder / f"channels-{port}.db"
    arguments = ("--port", str(port), "--database", str(database), "--tether", to, "--key", key)
    async with child_process(
        tether.folder, "examples.channels", *arguments, ready=listening(port), env=tether.environment
    ):
        yield


ROW = Benchmark(
    name="waits",
    title="A relationship that waits: workflow, command, fact, announcement",
    figures=(
        Figure(RATE, "/s", "a minimal workflow written by hand", Budget(ratio=0.8)),
        Figure(MIDDLE, "ms", "a minimal workflow written by hand", Budget(ratio=0.8), less_is_better=True),
        Figure(TAIL, "ms", "a minimal workflow written by hand", less_is_better=True),
    ),
    bound=(
        "Temporal's development server, which writes each history event to its file; beside it, the dispatcher's "
        "pause between two reads of the outbox, once for each of the two facts."
    ),
    measure=measure,
)
