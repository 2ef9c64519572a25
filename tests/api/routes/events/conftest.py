"""POST /v1/events over ASGI. One application and database for all of these tests: each is a tenant of its own."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from api.app import create_app
from config import Settings
from store.db.pool import Pool
from tests.support.posting import ApiCaller, keys
from tests.support.serving import Served, serving

HERE = Path(__file__).parent
_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app(template: str) -> AsyncIterator[FastAPI]:
    """An application that was started as by a server, on a database of its own."""
    server, _, original = template.rpartition("/")
    conn = await asyncpg.connect(f"{server}/postgres")
    await conn.execute(f"create database events template {original}")
    app = create_app(Settings(database_url=f"{server}/events", temporal_ui_url="http://temporal.test"))
    async with app.router.lifespan_context(app):
        yield app
    await conn.execute("drop database events with (force)")
    await conn.close()


@pytest.fixture(scope="session")
def pool(app: FastAPI) -> Pool:
    """The application's connection pool."""
    found: Pool = app.state.dependencies.pool
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def caller(app: FastAPI, pool: Pool) -> AsyncIterator[ApiCaller]:
    number = next(_numbers)
    tenant, other = f"tenant-{number}", f"other-{number}"
    shown = await keys(pool, tenant, other)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://tether.test") as http:
        yield ApiCaller(http, shown, tenant)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(app: FastAPI) -> AsyncIterator[Served]:
    async with serving(app) as found:
        yield found
