"""Measures the cascade of a parent with very many children: commands to a minimal owner, then to a real service."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from bench.drivers.child_process import child_process, listening
from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.owner import running_owner
from bench.drivers.publishing import publish_one
from bench.drivers.stack import Connection, MeasuredTether, Tenant
from bench.errors import InvalidMeasurement
from bench.limits.plain_requests import PlainClient, PlainRequests
from bench.report import usage
from bench.report.figures import Effort, Measurement, Samples
from devstack.part import RunningProcess
from devstack.ports import LOOPBACK, free_port

RATE = "commands to a minimal owner"
REAL = "commands to the example Teams service"
MEMORY = "largest memory of the worker"
PARTS = 5
"""Number of parts of a cascade whose rates are measured: later parts must not be slower."""
POLL_INTERVAL = 0.1
"""Seconds between two reads of the counts of a cascade."""
TIMEOUT = 280.0
"""Seconds after which a cascade that has not ended fails the measurement."""


@dataclass(frozen=True)
class CascadeTimes:
    """The cascade of one event with its teams. Times are on the machine's monotonic clock.

    ``count``: number of teams; ``samples``: (time, commands accepted until then); ``memory``: megabytes of the worker
    at each sample; ``cpu``: microseconds of processor time for each command, by process.
    """

    began: float
    count: int
    samples: list[tuple[float, int]] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def requested(self) -> float:
        """Seconds until the deletion of the last child was requested."""
        return next(at for at, count in self.samples if count >= self.count) - self.began

    @property
    def ended(self) -> float:
        """Seconds until the last fact was settled and the operation had ended."""
        return self.samples[-1][0] - self.began

    def rates(self) -> list[float]:
        """Returns commands a second in each part of the cascade, by the samples next to its ends."""
        at = [(self.began, 0)]
        for part in range(1, PARTS + 1):
            sample = next((t, n) for t, n in self.samples if n >= self.count * part // PARTS)
            if sample[1] > at[-1][1]:
                at.append(sample)
        return [(to[1] - start[1]) / (to[0] - start[0]) for start, to in pairwise(at)]


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Measures the minimal owner, then the real one, each followed by its limit."""
    many, few = effort.of(100_000, 5_000), effort.of(2_000, 200)
    warm, tenant = max(200, many // 100), await tether.tenant()
    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(tether.database())
        client = await stack.enter_async_context(LoadClient())
        plain = await stack.enter_async_context(PlainClient())
        await _event(tether, tenant)
        async with running_owner(tether, "teams", "team", tether.owners["teams"], tenant.key) as owner:
            effort.show(f"{warm + many:,} teams enter")
            await client.send(PublishOrder(tether.events, tenant.key, "teams", warm))
            before = usage.resident({"worker": tether.pids["worker"]})["worker"]
            await _delete_event(tether, tenant, conn, warm, owner)
            await _event(tether, tenant, 3)
            await client.send(PublishOrder(tether.events, tenant.key, "teams", many, warm))
            effort.show(f"their event is deleted, {many:,} commands to a minimal owner")
            fast = await _delete_event(tether, tenant, conn, many, owner, 4)
        limit = await _limit(tether, plain, warm, many)
        effort.show(f"{few:,} teams at the example service")
        async with _teams(tether, tenant) as url:
            await plain.send(PlainRequests(url, "POST", "real", few, "real"))
            await plain.send(PlainRequests(url, "POST", "plain", few, "plain"))
            await _linked(conn, tenant, 2 * few)
            real = await _delete_event(tether, tenant, conn, few, None, key="real")
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
    """Returns the rates of the plain client, with a minimal owner that publishes nothing."""
    port = free_port()
    async with running_owner(tether, "teams", "team", port):
        url = f"http://{LOOPBACK}:{port}/teams"
        await plain.send(PlainRequests(url, "DELETE", "warm", warm, "festival"))
        part = many // PARTS
        return [
            part / await plain.send(PlainRequests(url, "DELETE", "t", part, "festival", n * part)) for n in range(PARTS)
        ]


async def _event(tether: MeasuredTether, tenant: Tenant, number: int = 1, key: str = "festival") -> None:
    await publish_one(tether, tenant, "/events", "EventCreated.v1", key, {"name": "Festival"}, number)


async def _delete_event(
    tether: MeasuredTether,
    tenant: Tenant,
    conn: Connection,
    count: int,
    owner: RunningProcess | None,
    number: int = 2,
    key: str = "festival",
) -> CascadeTimes:
    """Publishes that an event was deleted; returns the times of its cascade.

    ``count``: number of its teams. ``owner``: the process of the minimal owner, or None. ``number``: of the fact.
    Raises InvalidMeasurement unless the cascade is done within the timeout.
    """
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
            raise InvalidMeasurement(f"the cascade of {count:,} teams is not done after {TIMEOUT:.0f} s: {row}")
        await asyncio.sleep(POLL_INTERVAL)
        row = await conn.fetchrow(query, tenant.name, key, now)
        cascade.samples.append((time.monotonic(), row["requested"] if row is not None else 0))
        cascade.memory.append(usage.resident({"worker": pids["worker"]})["worker"])
    if row["state"] != "done" or row["confirmed"] != count:
        raise InvalidMeasurement(f"the cascade of {count:,} teams did not end as done: {row}")
    cascade.cpu.update(usage.each(before, usage.cpu(pids), count))
    return cascade


async def _linked(conn: Connection, tenant: Tenant, wanted: int) -> None:
    """Waits until the facts of ``wanted`` teams are settled. Raises InvalidMeasurement after the timeout."""
    query = """
        select count(*) from tether.links
        where tenant = $1 and relationship = 'event_team' and parent in ('real', 'plain') and to_revision > $2
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            while await conn.fetchval(query, tenant.name, 1 << 62) < wanted:  # noqa: ASYNC110 - as in waits
                await asyncio.sleep(POLL_INTERVAL)
    except TimeoutError:
        raise InvalidMeasurement(f"{wanted} teams were created, and their facts did not arrive") from None


@asynccontextmanager
async def _teams(tether: MeasuredTether, tenant: Tenant) -> AsyncIterator[str]:
    """Runs the example service of teams, which publishes to Tether, within the block; yields the URL of its teams."""
    port = tether.owners["teams"]
    database = tether.folder / "teams.db"
    arguments = ("--port", str(port), "--database", str(database), "--tether", tether.urls.api, "--key", tenant.key)
    async with child_process(
        tether.folder, "examples.teams", *arguments, ready=listening(port), env=tether.environment
    ):
        for event in ("real", "plain"):
            await _event(tether, tenant, key=event)
        yield f"http://{LOOPBACK}:{port}/teams"
