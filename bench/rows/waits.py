"""A relationship that truly waits: a workflow, one command to an owner, the owner's fact, an announcement."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles

import orjson

from bench.drivers import wire
from bench.drivers.child import child, listening
from bench.drivers.client import ONE, LoadClient, Order
from bench.drivers.facts import RECIPES
from bench.drivers.stack import Connection, MeasuredTether
from bench.errors import Spoilt
from bench.limits import set_based
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples
from devstack.parts import says_ready
from devstack.ports import LOOPBACK, free_port

RATE, MIDDLE, TAIL = (f"a group's channel is requested, {what}" for what in ("in flight", "alone, p50", "alone, p99"))
TIMEOUT = 120.0
"""Seconds until all must be announced."""


@dataclass(frozen=True)
class Way:
    """One way to wait. ``announced``: a query that counts what was announced."""

    events: str
    key: str
    announced: str
    tenant: str
    conn: Connection
    client: LoadClient

    async def count(self) -> int:
        """Announced so far."""
        return int(await self.conn.fetchval(self.announced, self.tenant))

    async def until(self, wanted: int, pause: float) -> float:
        """The moment, by the monotonic clock, when so many are announced; looks every ``pause`` seconds."""
        async with asyncio.timeout(TIMEOUT):
            while await self.count() < wanted:  # noqa: ASYNC110 - a row in the database sets no event here
                await asyncio.sleep(pause)
        return time.monotonic()

    async def in_flight(self, start: int, count: int) -> float:
        """Instances a second, all begun at once."""
        known = await self.count()
        sent = await self.client.send(Order(self.events, self.key, "groups", count, start, batch=50))
        return count / (await self.until(known + count, 0.02) - sent.began)

    async def alone(self, start: int, count: int) -> list[float]:
        """Milliseconds of each instance, one after another."""
        took = []
        connection = await wire.connect(self.events)
        for group in RECIPES["groups"](start, count):
            known = await self.count()
            began = time.monotonic()
            status, answer = await connection.ask(wire.request(self.events, self.key, ONE, orjson.dumps(group)))
            if status != 202:
                raise Spoilt(f"{self.events} answered {status}: {answer[:300]!r}")
            took.append((await self.until(known + 1, 0.002) - began) * 1_000)
        connection.close()
        return took


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Tether, then the workflow by hand, on the same Temporal server; never both at once."""
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
            for way, is_ours in ((ours, True), (by_hand, False)):
                effort.say(f"{'Tether' if is_ours else 'by hand'}, run {run} of {effort.runs}")
                rate = await way.in_flight(start, many if run else 20)
                alone = await way.alone(start + many, few if run else 5)
                if run:  # the first is the warm-up
                    for name, value in ((RATE, rate), (MIDDLE, median(alone)), (TAIL, quantiles(alone, n=100)[98])):
                        (found[name].ours if is_ours else found[name].limit).append(value)
                await asyncio.sleep(0.5)  # workflows of this way come to their ends before the other begins
            start += many + few
    return Measurement(found)


@asynccontextmanager
async def _ours(tether: MeasuredTether, conn: Connection, client: LoadClient) -> AsyncIterator[Way]:
    tenant = await tether.tenant()
    announced = "select count(*) from tether.facts where tenant = $1 and source = '/tether'"
    async with _channels(tether, tether.owners["channels"], tether.urls.api, tenant.key):
        yield Way(tether.events, tenant.key, announced, tenant.name, conn, client)


@asynccontextmanager
async def _by_hand(tether: MeasuredTether, conn: Connection, client: LoadClient) -> AsyncIterator[Way]:
    door, channels = free_port(), free_port()
    url, owner = f"http://{LOOPBACK}:{door}", f"http://{LOOPBACK}:{channels}"
    announced = "select count(*) from plain.facts where tenant = $1 and source = '/tether'"
    async with (
        child(
            tether.folder, "bench.limits.by_hand_door", str(door), ready=listening(door), env=tether.environment
        ),
        child(
            tether.folder, "bench.limits.by_hand_worker", owner, ready=says_ready, env=tether.environment,
            stdin=tether.urls.database + "\n",
        ),
        _channels(tether, channels, url, "none"),
    ):  # fmt: skip
        yield Way(f"{url}/v1/events", "none", announced, "by-hand", conn, client)


@asynccontextmanager
async def _channels(tether: MeasuredTether, port: int, to: str, key: str) -> AsyncIterator[None]:
    """The service that owns channels, as an instance of its own that publishes to ``to``."""
    database = tether.folder / f"channels-{port}.db"
    arguments = ("--port", str(port), "--database", str(database), "--tether", to, "--key", key)
    async with child(tether.folder, "examples.channels", *arguments, ready=listening(port), env=tether.environment):
        yield


ROW = Benchmark(
    name="waits",
    title="A relationship that truly waits: workflow, command, announcement",
    figures=(
        Figure(RATE, "/s", "a minimal workflow by hand", Budget(ratio=0.8)),
        Figure(MIDDLE, "ms", "a minimal workflow by hand", Budget(ratio=0.8), less_is_better=True),
        Figure(TAIL, "ms", "a minimal workflow by hand", less_is_better=True),
    ),
    bound=(
        "Temporal's development server, which writes each history event to its file; beside it, the dispatcher's "
        "pause between two reads of the outbox, once for each of the two facts."
    ),
    measure=measure,
)
