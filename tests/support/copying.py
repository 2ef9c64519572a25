"""A copy of users in a process that is killed again and again, compared with what Tether holds at its position."""

import asyncio
import random
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from typing import Any

import asyncpg
import orjson

from catalog import catalog
from examples.shopping.customers import Customers
from examples.shopping.service import REPLICA
from store.read import feed_offsets
from tests.support import copying_process, forked
from tests.support.events import Event, event
from tests.support.eventually import eventually

PAGE = 100
"""Items in a transaction of the copy, unless given: few, so that a kill hits many points."""

_AT = """
select key, data::text as data from tether.entities
where tenant = $1 and kind = $2 and from_revision <= $3 and to_revision > $3 and state = 'live'
"""


@dataclass
class UserHistory:
    """Facts about random users, without end: most change a user, some create or delete one."""

    dice: random.Random
    live: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def facts(self, count: int) -> list[Event]:
        """The next facts."""
        return [self._fact() for _ in range(count)]

    def created(self, count: int) -> list[Event]:
        """Facts that create so many users."""
        return [self._create(f"u{n}") for n in range(count)]

    def _fact(self) -> Event:
        if self.dice.random() < 0.2 or not self.live:
            return self._create(f"u{self.dice.randrange(20_000)}")
        key = self.dice.choice([*self.live][:2_000]) if self.dice.random() < 0.5 else next(reversed(self.live))
        version = self.versions[key] = self.versions[key] + 1
        if self.dice.random() < 0.2:
            del self.live[key]
            return event("UserDeleted", key, version)
        field = self.dice.choice(["name", "email", "phone"])
        return event("UserChanged", key, version, **{field: f"{field} {version}"})

    def _create(self, key: str) -> Event:
        version = self.versions[key] = self.versions.get(key, 0) + 1
        if key in self.live:
            return event("UserChanged", key, version, email=f"{key}@{version}")
        self.live[key] = version
        return event("UserCreated", key, version, name=key, email=f"{key}@{version}", phone="1")


class KilledCopy:
    """The process, and its table. ``database``: URL of its database; ``tether``: of the API, with a ``key``."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        database: str,
        tether: str,
        key: str,
        consumer: str | None = None,
        *,
        page: int = PAGE,
    ) -> None:
        """``pool``: on the copy's database."""
        self._pool = pool
        self.customers = Customers(pool)
        self._arguments = (database, tether, key, page, consumer)

    async def run(self) -> ForkServerProcess:
        """Starts the process, and waits until it has connected."""
        receiver, sender = forked.pipe()
        process = forked.start(copying_process.main, sender, *self._arguments)
        sender.close()
        with receiver:
            assert await asyncio.to_thread(receiver.recv)
        return process

    async def live_and_die(self, seconds: float, *, advances: bool = False) -> None:
        """Starts the process, and kills it after some seconds; ``advances``: after it has committed a page first."""
        before = await self._reached()
        process = await self.run()

        async def advanced() -> bool:
            assert process.exitcode is None, "it must not end"
            return await self._reached() != before

        if advances:
            await eventually(advanced)
        await asyncio.sleep(seconds)
        end(process)

    async def _reached(self) -> tuple[object, object]:
        """How far the copy is, whichever process has written it."""
        position, _ = await self.customers.snapshot()
        return position.get("offset"), position.get("loading")

    async def until_complete(self, tenant: str, server: "asyncpg.Pool[asyncpg.Record]", seconds: float = 120.0) -> None:
        """Runs the process until it has read everything, then kills it. Nothing is written meanwhile."""
        process = await self.run()
        head = await server.fetchval("select revision from tether.tenant_revisions where tenant = $1", tenant)
        end_of_feed = feed_offsets.encode(tenant, feed_offsets.FeedPosition(head + 1))

        async def complete() -> bool:
            assert process.exitcode is None, "it must not end"
            return (await self.customers.snapshot())[0].get("offset") == end_of_feed

        await eventually(complete, seconds)
        end(process)

    async def visible(self) -> tuple[str | None, list[Any]]:
        """The offset that the rows to read are as of, and these rows."""
        position, rows = await self.customers.snapshot()
        return position.get("offset"), rows

    async def compare(self, tenant: str, server: "asyncpg.Pool[asyncpg.Record]") -> int:
        """Compares the table with Tether's rows at its position. Returns how many there are."""
        position, rows = await self.customers.snapshot()
        if "offset" not in position:
            assert rows == [], "no snapshot is complete"
            return 0
        wanted = await rows_at(server, tenant, position["offset"])
        assert dict(rows) == wanted
        return len(rows)


def end(process: ForkServerProcess) -> None:
    """Kills a process with SIGKILL."""
    process.kill()
    process.join()


async def rows_at(server: "asyncpg.Pool[asyncpg.Record]", tenant: str, offset: str) -> dict[str, Any]:
    """The rows of the replica at a position of the feed, which may lie within a revision."""
    replica = catalog.load().replica(REPLICA)
    at = feed_offsets.decode(tenant, offset)
    found = await _live(server, tenant, replica.of, at.revision - 1)
    if at != feed_offsets.FeedPosition(at.revision):
        after = await _live(server, tenant, replica.of, at.revision)
        found = {key: data for key, data in found.items() if not _passed(at, replica.of, key)}
        found |= {key: data for key, data in after.items() if _passed(at, replica.of, key)}
    return {key: replica.reduced(data) for key, data in found.items()}


def _passed(at: feed_offsets.FeedPosition, kind: str, key: str) -> bool:
    """Whether a position within a revision is after the item of an entity."""
    return at.phase > 0 or (kind, key) <= at.keys[:2]


async def _live(server: "asyncpg.Pool[asyncpg.Record]", tenant: str, kind: str, revision: int) -> dict[str, Any]:
    return {row["key"]: orjson.loads(row["data"]) for row in await server.fetch(_AT, tenant, kind, revision)}
