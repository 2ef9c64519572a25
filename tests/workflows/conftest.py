"""One Temporal server for each worker of pytest; a tenant, a database and a task queue of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client

import temporal
from catalog.catalog import Catalog
from devstack.temporal_server import TemporalServer
from devstack.testing import temporary_temporal
from store.db.pool import Pool
from tests.support.harness import Harness
from tests.support.scenario import Scenario

SETTINGS = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "history.timerProcessorMaxTimeShift": '"10ms"',
    "history.timerProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollHostRPS": "5000",
    "limit.historyCount.suggestContinueAsNew": "400",
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[TemporalServer]:
    """A Temporal server in memory. Clocks of workflows can be set forward; runs continue as new after 400 events."""
    extra = [word for name, value in SETTINGS.items() for word in ("--dynamic-config-value", f"{name}={value}")]
    async with temporary_temporal(extra=extra) as server:
        yield server


@pytest.fixture
async def client(server: TemporalServer) -> Client:
    """A client with Tether's plugin, as Tether's processes have it."""
    return await Client.connect(server.address, plugins=[temporal.plugin()])


@pytest.fixture
async def harness(pool: Pool, catalog: Catalog, client: Client) -> AsyncIterator[Harness]:
    harness = Harness(pool, catalog, client, f"t{uuid4().hex[:12]}")
    yield harness
    await harness.recorder.close()


@pytest.fixture
async def running_harness(harness: Harness) -> AsyncIterator[Harness]:
    """A harness whose dispatcher and worker run."""
    async with harness.running():
        yield harness


@pytest.fixture
async def scenario(harness: Harness, tmp_path: Path) -> AsyncIterator[Scenario]:
    """A scenario whose owners of events and teams run; the dispatcher and the worker do not."""
    scenario = Scenario(harness, tmp_path)
    async with scenario.running():
        yield scenario


@pytest.fixture
async def running_scenario(scenario: Scenario) -> AsyncIterator[Scenario]:
    """A scenario whose owners, dispatcher and worker run."""
    async with scenario.harness.running():
        yield scenario
