"""Keeps a copy of users while facts arrive at a rate, kills its process, and checks the copy at each position.

`python -m tests.acceptance.check_copies [RATE] [KILLS]`, by default 2,000 facts a second and 20 kills, in a new
`tether up`; then the same for a copy that was away for too long. Takes minutes.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx2
from rich.console import Console

from catalog import catalog
from config import Retention
from examples.shopping.customers import Customers
from examples.shopping.service import CONSUMER, FILTER
from store.db.pool import create_pool
from store.retention import run
from tests.acceptance.check_data import Check, show
from tests.support.copying import KilledCopy, UserHistory
from tests.support.processes import Running, running

SEED = 11
USERS = 20_000
BATCH = 500
LIFE = 2.0
"""Most seconds that a process lives once it has connected."""
TENANT = "main"
KEPT = Retention(history=timedelta(hours=1), cap=timedelta(0))


class Publisher:
    """Publishes facts about users over HTTP."""

    def __init__(self, http: httpx2.AsyncClient, history: UserHistory) -> None:
        self._http = http
        self.history = history
        self.published = 0

    async def batch(self, count: int) -> None:
        """Publishes the next facts."""
        await self._send(self.history.facts(count))

    async def users(self, count: int) -> None:
        """Creates so many users."""
        events = self.history.created(count)
        for n in range(0, count, 500):
            await self._send(events[n : n + 500])

    async def _send(self, events: list[dict[str, object]]) -> None:
        kind = {"content-type": "application/cloudevents-batch+json"}
        answer = await self._http.post("/v1/events", content=json.dumps(events), headers=kind)
        assert answer.raise_for_status().json()["accepted"] == len(events)
        self.published += len(events)

    @asynccontextmanager
    async def at_rate(self, rate: int) -> AsyncIterator[None]:
        """Publishes at a rate, or as fast as it is possible, until the block ends."""

        async def publish() -> None:
            due = time.monotonic()
            while True:
                await self.batch(BATCH)
                due += BATCH / rate
                await asyncio.sleep(due - time.monotonic())

        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(publish())
            yield
            publishing.cancel()


async def main(console: Console, rate: int, kills: int) -> bool:
    """Plays both; returns whether all checks hold."""
    with tempfile.TemporaryDirectory(prefix="tether-") as name:
        Path(name).chmod(0o711)
        async with running(Path(name)) as stack:
            url, database = stack.stack_file["urls"]["api"], stack.stack_file["urls"]["database"]
            headers = {"authorization": f"Bearer {stack.key}"}
            async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=60) as http:
                (await http.put(f"/v1/consumers/{CONSUMER}", json={"filter": FILTER})).raise_for_status()
                publisher = Publisher(http, UserHistory(random.Random(SEED)))
                await publisher.users(USERS)
                async with asyncpg.create_pool(database, min_size=1, max_size=2) as pool:
                    await Customers(pool).create()
                    copy = KilledCopy(pool, database, url, stack.key, CONSUMER, page=1_000)
                    return await play(stack, copy, publisher, pool, console, rate, kills)


async def play(
    stack: Running,
    copy: KilledCopy,
    publisher: Publisher,
    server: "asyncpg.Pool[asyncpg.Record]",
    console: Console,
    rate: int,
    kills: int,
) -> bool:
    """Kills the copy while facts arrive, lets it expire, and kills it again."""
    dice = random.Random(SEED)
    checks: list[Check] = []
    for title, times in (("killed", kills), ("away for too long, and killed", kills)):
        before = None
        if checks:
            await publisher.batch(USERS // 10)
            await expire(stack)
            before = await copy.visible()
        began, published = time.monotonic(), publisher.published
        seen, equal = set(), 0
        async with publisher.at_rate(rate):
            for life in range(times):
                await copy.live_and_die(LIFE * dice.random(), advances=life % 2 == 1)
                seen.add((await copy.visible())[0])
                if await copy.visible() != before:
                    await copy.compare(TENANT, server)
                equal += 1
        took = time.monotonic() - began
        arrived = (publisher.published - published) / took
        console.print(f"{title} {times} times in {took:.0f} s at {arrived:,.0f} facts/s; {len(seen)} positions")
        await copy.until_complete(TENANT, server, 600.0)
        position, rows = await copy.customers.snapshot()
        checks += [
            Check(f"{title}: equal at its position", times, equal),
            Check(f"{title}: rows at the end", await copy.compare(TENANT, server), len(rows)),
            Check(f"{title}: rows as the history has them", len(publisher.history.live), len(rows)),
            Check(f"{title}: edition", len(checks) // 4 + 1, position["edition"]),
        ]
    return show(checks, console)


async def expire(stack: Running) -> None:
    """Makes all that was written too old to be kept, and trims it."""
    pool = await create_pool(stack.stack_file["urls"]["database"], 2)
    try:
        await pool.execute("update revisions set at = at - interval '2 hours'")
        async for _ in run.run(pool, catalog.load(), TENANT, KEPT):
            pass
    finally:
        await pool.close()


if __name__ == "__main__":
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    sys.exit(not asyncio.run(main(Console(highlight=False), rate, kills)))
