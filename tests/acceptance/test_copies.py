"""A copy whose process is killed with kill -9 again and again is exact at its position, and complete at the end."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import httpx2
import pytest

from api.app import create_app
from catalog.catalog import Catalog
from config import Retention, Settings
from examples.shopping.customers import Customers
from examples.shopping.service import CONSUMER, FILTER
from store.db import credentials
from store.db.pool import Pool
from store.retention import run
from tests.support.copying import KilledCopy, UserHistory
from tests.support.recording import TENANT, FactRecorder
from tests.support.serving import serving

pytestmark = [pytest.mark.faults, pytest.mark.stack, pytest.mark.slow]

SEED = 11
USERS = 2_000
"""There before the copy begins."""
KILLS, KILLS_AFTER_EXPIRY = 20, 6
LIFE = 0.3
"""Most seconds that a process lives once it has connected, or has committed a page."""
BATCH, PAUSE = 20, 0.05
"""Facts recorded at a time, and the seconds between."""
KEPT = Retention(history=timedelta(hours=1), cap=timedelta(0))


@asynccontextmanager
async def facts_arriving(facts: FactRecorder, history: UserHistory) -> AsyncIterator[None]:
    """Records facts, one batch after another, until the block ends."""

    async def record() -> None:
        while True:
            await facts.record(*history.facts(BATCH))
            await asyncio.sleep(PAUSE)

    async with asyncio.TaskGroup() as tasks:
        recording = tasks.create_task(record())
        yield
        recording.cancel()


@pytest.fixture
async def url(settings: Settings, pool: Pool) -> AsyncIterator[str]:
    """Address of the API."""
    app = create_app(settings)
    async with app.router.lifespan_context(app), serving(app) as served:
        yield f"http://127.0.0.1:{served.port}"


@pytest.fixture
async def key(url: str, pool: Pool) -> str:
    """An API key of the consumer, which is registered."""
    async with pool.acquire() as conn:
        own = await credentials.create(conn, TENANT, CONSUMER, f"consume:{CONSUMER}")
        operator = await credentials.create(conn, TENANT, "operator", "operate")
    async with httpx2.AsyncClient(base_url=url, headers={"authorization": f"Bearer {operator}"}) as http:
        (await http.put(f"/v1/consumers/{CONSUMER}", json={"filter": FILTER})).raise_for_status()
    return own


@pytest.fixture
async def own(database_url: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    """Connections to the copy's tables."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        await Customers(pool).create()
        yield pool


async def test_copy_that_is_killed_is_exact_at_its_position(
    url: str, key: str, own: "asyncpg.Pool[asyncpg.Record]", database_url: str, pool: Pool, facts: FactRecorder
) -> None:
    dice = random.Random(SEED)
    history = UserHistory(dice)
    await facts.record(*history.created(USERS))
    copy = KilledCopy(own, database_url, url, key, CONSUMER)
    async with facts_arriving(facts, history):
        for life in range(KILLS):
            await copy.live_and_die(LIFE * dice.random(), advances=life % 2 == 1)
            await copy.compare(TENANT, pool)
    await copy.until_complete(TENANT, pool)
    assert await copy.compare(TENANT, pool) == len(history.live)


async def test_copy_that_was_away_for_too_long_starts_over_and_is_exact(
    url: str,
    key: str,
    own: "asyncpg.Pool[asyncpg.Record]",
    database_url: str,
    pool: Pool,
    facts: FactRecorder,
    catalog: Catalog,
) -> None:
    dice = random.Random(SEED)
    history = UserHistory(dice)
    await facts.record(*history.created(USERS))
    copy = KilledCopy(own, database_url, url, key)
    await copy.until_complete(TENANT, pool)
    before = await copy.visible()

    await facts.record(*history.facts(USERS))
    await pool.execute("update revisions set at = at - interval '2 hours'")
    await facts.record(*history.facts(1))
    assert sum([rows async for rows in run.run(pool, catalog, TENANT, KEPT)]) > 0
    async with facts_arriving(facts, history):
        for life in range(KILLS_AFTER_EXPIRY):
            await copy.live_and_die(LIFE * dice.random(), advances=life % 2 == 1)
            if await copy.visible() != before:
                await copy.compare(TENANT, pool)
    await copy.until_complete(TENANT, pool)
    assert await copy.compare(TENANT, pool) == len(history.live)
    assert (await copy.customers.snapshot())[0]["edition"] == 2
