"""What tests share: one PostgreSQL for each worker, and a migrated database of its own for each test that needs one."""

import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from config import Settings
from devstack.testing import temporary_postgres
from store.db.pool import Pool, create_pool
from store.migrate import migrate
from tests.support.databases import Databases
from tests.support.recording import FactRecorder
from tests.support.sampling import examples

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what is in its background so. What we start would inherit it, and never hear of Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


_SURROUNDINGS = (
    *("TETHER_", "TEMPORAL_", "PG", "COLUMNS", "LINES", "TERMINAL_WIDTH", "TTY_", "PY_COLORS", "FORCE_COLOR"),
    *("CLICOLOR", "NO_COLOR", "GITHUB_ACTIONS", "TYPER_", "_TYPER_", "PYTHONASYNCIODEBUG"),
)
for _name in [name for name in os.environ if name.upper().startswith(_SURROUNDINGS) or name.lower().endswith("_proxy")]:
    del os.environ[_name]  # whose shell or CI this is makes no difference

# Is not installed. The transport of httpx2 tries to import it at every request, and each time that reads directories.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

# A busy machine is no failure.
hypothesis_settings.register_profile(
    "unhurried", deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("unhurried")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the slow tests first, so that no worker begins one when the others have ended.

    pytest-xdist gives each worker a part of the list, of the same length, to begin with.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    rest = [item for item in items if not item.get_closest_marker("slow")]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ordered: list[pytest.Item] = []
    for n in range(workers):
        mine = slow[n::workers]
        size = (len(items) - len(ordered)) // (workers - n)
        taken = max(size - len(mine), 0)
        ordered += mine + rest[:taken]
        del rest[:taken]
    items[:] = ordered + rest


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The project's own declarations."""
    return catalogs.load()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(catalog: Catalog) -> AsyncIterator[str]:
    """URL of a database that is migrated and never written to."""
    async with temporary_postgres() as postgres:
        pool = await create_pool(postgres.url, 2)
        await migrate(pool, catalog)
        await pool.close()
        yield postgres.url


@pytest.fixture(scope="session")
def databases(template: str) -> Databases:
    """The databases of this worker's server."""
    server, _, original = template.rpartition("/")
    return Databases(server, original)


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """URL of a migrated, empty database that is this test's alone."""
    name = await databases.take()
    yield f"{databases.server}/{name}"
    await databases.give_back(name)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Connections to this test's database."""
    pool = await create_pool(database_url, 8)
    yield pool
    await pool.close()


@pytest.fixture
async def facts(pool: Pool, catalog: Catalog) -> AsyncIterator[FactRecorder]:
    """Records facts in this test's database."""
    facts = FactRecorder(pool, catalog)
    yield facts
    await facts.close()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Of a process that works on this test's database."""
    return Settings(database_url=database_url, temporal_ui_url="http://temporal.test")
