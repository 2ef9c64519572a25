"""Databases with the rows of the earlier version, and everything that continues its work."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from temporalio.client import Client

import temporal
from catalog.catalog import Catalog
from devstack.testing import temporary_temporal
from store.db.pool import Pool, create_pool
from store.migrate import migrate
from tests.takeover import load
from tests.takeover.environment import Environment

_numbers = count(1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def recorded_url(template: str) -> str:
    """URL of a database with the rows of the earlier version, without newer migrations; tests only read it."""
    url = await _create(template, "takeover_recorded", "template0")
    await load.database(url)
    return url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated_url(recorded_url: str, catalog: Catalog) -> str:
    """URL of a copy of it with all migrations applied, which is never written to."""
    url = await _create(recorded_url, "takeover_migrated", recorded_url.rpartition("/")[2])
    pool = await create_pool(url, 2)
    await migrate(pool, catalog)
    await pool.close()
    return url


@pytest.fixture
async def database_url(migrated_url: str) -> str:
    """URL of a database of the test's own: a copy of the migrated one."""
    return await _create(migrated_url, f"takeover_{next(_numbers)}", migrated_url.rpartition("/")[2])


@pytest.fixture
async def environment(pool: Pool, catalog: Catalog, tmp_path: Path) -> AsyncIterator[Environment]:
    """An empty Temporal, and the owners with their databases, all available. Worker and dispatcher do not run yet."""
    load.owners(tmp_path)
    async with temporary_temporal() as server:
        client = await Client.connect(server.address, plugins=[temporal.plugin()])
        environment = Environment(pool, catalog, client, tmp_path)
        async with environment.running():
            yield environment
            await environment.close()


async def _create(server_of: str, name: str, template: str) -> str:
    """Creates a database on the server of a URL, as a copy of the template. Returns its URL."""
    server = server_of.rpartition("/")[0]
    conn = await asyncpg.connect(f"{server}/postgres")
    await conn.execute(f"create database {name} template {template}")
    await conn.close()
    return f"{server}/{name}"
