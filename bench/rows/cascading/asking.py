"""A parent with very many children is deleted: a command for each, to an owner that costs nothing, then a real one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from bench.drivers.child import child, listening
from bench.drivers.client import LoadClient, Order
from bench.drivers.owner import owning
from bench.drivers.publishing import publish_one
from bench.drivers.stack import Connection, MeasuredTether, Tenant
from bench.errors import Spoilt
from bench.limits.plain_asking import PlainClient, PlainRequests
from bench.report import usage
from bench.report.figures import Effort, Measurement, Samples
from devstack.part import RunningProcess
from devstack.ports import LOOPBACK, free_port

RATE = "commands to an owner that costs nothing"
REAL = "commands to the example Teams service"
MEMORY = "memory of the worker, at most"
PARTS = 5
"""In so many parts of the way each rate is taken: it must not fall on the way."""
LOOK = 0.1
"""Seconds between looks at how far a cascade is."""
TIMEOUT = 280.0
"""Seconds until a cascade must be over."""


@dataclass(frozen=True)
class CascadeTimes:
    """The end of one event with its teams. Times by the machine's monotonic clock.

    ``looks``: (when, commands accepted);
    ``known``: whether the owner's facts are all settled and nothing is under way any more; ``memory``: megabytes of
    the worker, the most there were.
    """

    began: float
    count: int
    looks: list[tuple[float, int]] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def requested(self) -> float:
        """Seconds until the last child was requested."""
        return next(at for at, count in self.looks if count >= self.count) - self.began

    @property
    def ended(self) -> float:
        """Seconds until the last fact was settled and the operation over."""
        return self.looks[-1][0] - self.began

    def rates(self) -> list[float]:
        """Commands a second in each part of the way, by the looks next to its ends."""
        at = [(self.began, 0)]
        for part in range(1, PARTS + 1):
            look = next((t, n) for t, n in self.looks if n >= self.count * part // PARTS)
            if look[1] > at[-1][1]:
                at.append(look)
        return [(to[1] - since[1]) / (to[0] - since[0]) for since, to in pairwise(at)]


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """The owner that costs nothing, then the real one; each limit right after what it is compared with."""
    many, few = effort.of(100_000, 5_000), effort.of(2_000, 200)
    warm, tenant = max(200, many // 100), await tether.tenant()
    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(tether.database())
        client = await stack.enter_async_context(LoadClient())
        plain = await stack.enter_async_context(PlainClient())
        await _event(tether, tenant)
        async with owning(tether, "teams", "team", tether.owners["teams"], tenant.key) as owner:
            effort.say(f"{warm + many:,} teams enter")
            await client.send(Order(tether.events, tenant.key, "teams", warm))
            before = usage.resident({"worker": tether.pids["worker"]})["worker"]
            await _goes(tether, tenant, conn, warm, owner)
            await _event(tether, tenant, 3)
            await client.send(Order(tether.events, tenant.key, "teams", many, warm))
            effort.say(f"their event goes, {many:,} commands to an owner that costs nothing")
            fast = await _goes(tether, tenant, conn, many, owner, 4)
        limit = await _limit(tether, plain, warm, many)
        effort.say(f"{few:,} teams at the example service")
        async with _teams(tether, tenant) as url:
            await plain.send(PlainRequests(url, "POST", "real", few, "real"))
            await plain.send(PlainRequests(url, "POST", "plain", few, "plain"))
            await _linked(conn, tenant, 2 * few)
            real = await _goes(tether, tenant, conn, few, None, key="real")
            took = await plain.send(PlainRequests(url, "DELETE", "plain", few, "plain"))
    memory = [*fast.memory, *real.memory]
    kept = memory[:: max(1, len(memory) // 50)]
    return Measurement(
        {
            RATE: Samples(fast.rates(), limit),
            REAL: Samples([few / real.requested], [few / took]),
            MEMORY: Samples([max(memory)], [before]),
        },
        {"cpu_us_per_command": fast.cpu, "memory_mb": kept, "commands": many, "commands_real": few},
        (
            f"with commands: {many:,} requested in {fast.requested:.1f} s, all facts settled after {fast.ended:.1f} s",
            f"example service: {few:,} requested in {real.requested:.1f} s, all facts settled after {real.ended:.1f} s",
            f"processor time, µs a command: {fast.cpu}",
        ),
    )


async def _limit(tether: MeasuredTether, plain: PlainClient, warm: int, many: int) -> list[float]:
    """Rates of the plain client, with an owner of its own that publishes nothing."""
    port = free_port()
    async with owning(tether, "teams", "team", port):
        url = f"http://{LOOPBACK}:{port}/teams"
        await plain.send(PlainRequests(url, "DELETE", "warm", warm, "festival"))
        part = many // PARTS
        return [
            part / await plain.send(PlainRequests(url, "DELETE", "t", part, "festival", n * part)) for n in range(PARTS)
        ]


async def _event(tether: MeasuredTether, tenant: Tenant, number: int = 1, key: str = "festival") -> None:
    await publish_one(tether, tenant, "/events", "EventCreated.v1", key, {"name": "Festival"}, number)


async def _goes(
    tether: MeasuredTether,
    tenant: Tenant,
    conn: Connection,
    count: int,
    owner: RunningProcess | None,
    number: int = 2,
    key: str = "festival",
) -> CascadeTimes:
    """The event's Deleted fact, and all that follows from it. Raises Spoilt if that does not come to its end."""
    pids = dict(tether.pids) | ({"owner": owner.pid} if owner is not None else {})
    before = usage.cpu(pids)
    now = await conn.fetchval("select now()")
    cascade = CascadeTimes(time.monotonic(), count)
    await publish_one(tether, tenant, "/events", "EventDeleted.v1", key, {}, number)
    query = """
        select requested, confirmed, skipped, parked, state from tether.operations
        where tenant = $1 and workflow = 'cascade' and key = $2 and created_at >= $3
    """
    until, row = cascade.began + TIMEOUT, None
    while row is None or row["state"] == "running":
        if time.monotonic() > until:
            raise Spoilt(f"the cascade of {count:,} teams is not over after {TIMEOUT:.0f} s: {row}")
        await asyncio.sleep(LOOK)
        row = await conn.fetchrow(query, tenant.name, key, now)
        cascade.looks.append((time.monotonic(), row["requested"] if row is not None else 0))
        cascade.memory.append(usage.resident({"worker": pids["worker"]})["worker"])
    if row["state"] != "done" or row["confirmed"] != count:
        raise Spoilt(f"the cascade of {count:,} teams did not come to its end: {row}")
    cascade.cpu.update(usage.each(before, usage.cpu(pids), count))
    return cascade


async def _linked(conn: Connection, tenant: Tenant, wanted: int) -> None:
    """Until the facts of so many teams have come. Raises Spoilt."""
    query = """
        select count(*) from tether.links
        where tenant = $1 and relationship = 'event_team' and parent in ('real', 'plain') and to_revision > $2
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            while await conn.fetchval(query, tenant.name, 1 << 62) < wanted:  # noqa: ASYNC110 - as in waits
                await asyncio.sleep(LOOK)
    except TimeoutError:
        raise Spoilt(f"{wanted} teams were made, and their facts did not come") from None


@asynccontextmanager
async def _teams(tether: MeasuredTether, tenant: Tenant) -> AsyncIterator[str]:
    """URL of the teams of the example service, which publishes to Tether."""
    port = tether.owners["teams"]
    database = tether.folder / "teams.db"
    arguments = ("--port", str(port), "--database", str(database), "--tether", tether.urls.api, "--key", tenant.key)
    async with child(tether.folder, "examples.teams", *arguments, ready=listening(port), env=tether.environment):
        for event in ("real", "plain"):
            await _event(tether, tenant, key=event)
        yield f"http://{LOOPBACK}:{port}/teams"
