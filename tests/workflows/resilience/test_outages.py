"""PostgreSQL and Temporal stop and start again. Facts and operations are rows, so they need only PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

import temporal
from catalog.catalog import Catalog
from devstack.ports import free_port
from devstack.temporal_server import TemporalServer
from devstack.testing import temporary_postgres
from dispatcher import Dispatcher
from errors import Unavailable
from starter import Starter
from store.db.pool import Pool, create_pool
from store.migrate import migrate
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness

pytestmark = [pytest.mark.stack, pytest.mark.faults]

LINKED = "GroupChannelLinked"


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    """A Temporal server with a database file, not started yet."""
    server = TemporalServer(tmp_path / "temporal.db", free_port(), free_port(), tmp_path / "temporal.log")
    yield server
    await server.stop()


async def test_facts_recorded_without_temporal_are_processed_later(
    pool: Pool, catalog: Catalog, mortal: TemporalServer
) -> None:
    client = await Client.connect(mortal.address, plugins=[temporal.plugin()], lazy=True)
    harness = Harness(pool, catalog, client, "main")
    async with harness.dispatching():
        await harness.record(event("GroupCreated", "g1", name="g1"))
        id = await harness.link("category_item", "books", "i1")
        await harness.record(event("CategoryAdded", "books", name="b"), event("ItemAdded", "i1", name="x"))
        other = Dispatcher(pool, Starter(client, task_queue="main"))

        async def temporal_is_unavailable() -> bool:  # false while the harness's dispatcher has claimed all rows
            try:
                await other.round()
            except Unavailable as error:
                return str(error).startswith("Temporal is unavailable")
            return False

        await eventually(temporal_is_unavailable)
        assert await harness.count_rows("outbox") >= 2
        await mortal.start()
        connected = await Client.connect(mortal.address, plugins=[temporal.plugin()])
        harness.client = connected  # a worker, unlike a dispatcher, needs a connection when it starts
        async with harness.worker():
            await harness.wait_for_facts(LINKED)
            await harness.wait_for_operation(id, "done")
            await harness.wait_until_at_rest()


async def test_killed_temporal_continues_after_its_restart(
    pool: Pool, catalog: Catalog, mortal: TemporalServer
) -> None:
    await mortal.start()
    client = await Client.connect(mortal.address, plugins=[temporal.plugin()])
    harness = Harness(pool, catalog, client, "main")
    harness.channels.silent = True
    async with harness.running():
        await harness.record(event("GroupCreated", "g1", name="g1"))
        await harness.wait_until_waiting("group_channel", "g1")
        await mortal.stop()
        harness.channels.silent = False
        await harness.record(event("GroupCreated", "g2", name="g2"))
        await mortal.start()
        await harness.wait_for_facts(LINKED, seconds=60)
        assert (await harness.wait_until_waiting("group_channel", "g1"))["missing"] == "child"


async def test_restart_of_postgresql_loses_nothing(catalog: Catalog, client: Client) -> None:
    async with temporary_postgres() as postgres:
        pool = await create_pool(postgres.url, 8)
        await migrate(pool, catalog)
        harness = Harness(pool, catalog, client, f"restarted-{free_port()}")
        groups = [f"g{n}" for n in range(20)]
        async with harness.running():
            for number, group in enumerate(groups):
                if number in (5, 15):
                    await postgres.stop()
                    await asyncio.sleep(0)
                    await postgres.start()
                recorded = False
                while not recorded:
                    with contextlib.suppress(Unavailable):
                        await harness.record(event("GroupCreated", group, name=group))
                        recorded = True
            await harness.wait_for_facts(LINKED, len(groups), 60)
            await harness.wait_until_at_rest(60)
        assert len(await harness.facts(LINKED)) == len(groups)
        assert len(harness.channels.attempts()) == len(groups)
        await pool.close()
