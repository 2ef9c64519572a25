"""Runs a new Tether stack for each row: durable, on loopback and free ports, removed afterwards."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import asyncpg
from rich.console import Console

from bench.errors import InvalidMeasurement
from catalog import catalog as catalogs
from catalog.catalog import Catalog
from config import Settings
from devstack.ports import LOOPBACK, free_port
from devstack.stack import Urls
from devstack.up import up
from store.db import credentials
from store.db.pool import create_pool

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:  # generic for the type checker only
    Connection = asyncpg.Connection

CATALOG = Path(__file__).parents[1] / "catalog"
"""Declarations of the bench, beside those of the project."""

OWNERS = ("channels", "events", "teams")
"""The owners to which it can send commands."""

T = TypeVar("T")


@dataclass(frozen=True)
class Tenant:
    """A tenant without rows in the tables, and an API key of it with the scope admin."""

    name: str
    key: str


@dataclass(frozen=True)
class MeasuredTether:
    """A running Tether. ``owners``: owner → port on which Tether expects it; none listens yet."""

    urls: Urls
    folder: Path
    owners: Mapping[str, int]
    environment: Mapping[str, str]
    """The environment of a process that connects to Temporal of this stack."""
    catalog: Catalog
    _numbers: "count[int]" = field(default_factory=count)

    @property
    def events(self) -> str:
        """URL of the API for facts."""
        return f"{self.urls.api}/v1/events"

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of its parts, by name."""
        pids: dict[str, int] = json.loads((self.folder / "stack.json").read_text())["pids"]
        return pids

    async def tenant(self) -> Tenant:
        """Creates a tenant."""
        name = f"bench{next(self._numbers)}"
        pool = await create_pool(self.urls.database, 1, name="bench")
        try:
            async with pool.acquire() as conn:
                return Tenant(name, await credentials.create(conn, name, "bench", "admin"))
        finally:
            await pool.close()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Connection]:
        """Opens a connection with the default settings of PostgreSQL."""
        conn = await asyncpg.connect(self.urls.database)
        try:
            yield conn
        finally:
            await conn.close()


def with_tether(measure: Callable[[MeasuredTether], Awaitable[T]]) -> T:
    """Starts a new stack, runs ``measure`` and returns its result. Raises KeyboardInterrupt if it is interrupted."""
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as name:
        # PostgreSQL may have to run as another user, who must be allowed to pass through the folder.
        folder = Path(name).resolve()
        folder.chmod(0o711)
        return asyncio.run(_with_tether(folder, measure))


async def _with_tether(folder: Path, measure: Callable[[MeasuredTether], Awaitable[T]]) -> T:
    owners = {owner: free_port() for owner in OWNERS}
    settings = Settings(
        data_dir=folder,
        database_url="",
        host=LOOPBACK,
        port=0,
        postgres_port=0,
        temporal_port=0,
        temporal_ui_port=0,
        temporal_ui_url="",
        worker_metrics="",
        catalog=(CATALOG,),
        owners={owner: f"http://{LOOPBACK}:{port}" for owner, port in owners.items()},
        keys_file=folder / "credentials.json",
        webhook_allow=(f"{LOOPBACK}/32",),
        admin_key="",
    )
    # The measured processes must not connect to another Tether or Temporal of the user.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TETHER_", "TEMPORAL_", "PG"))}
    catalog = catalogs.load(settings.catalog)
    results: list[T] = []

    async def once_ready(urls: Urls) -> None:
        temporal = {"TEMPORAL_ADDRESS": urls.temporal, "TEMPORAL_NAMESPACE": "default"}
        environment = {**environ, **temporal, "TEMPORAL_CONFIG_FILE": os.devnull}
        results.append(await measure(MeasuredTether(urls, folder, owners, environment, catalog)))

    code = await up(settings, console=Console(quiet=True), once_ready=once_ready, environ=environ)
    if not results:
        if code == 1:
            raise InvalidMeasurement("Tether did not start, or a part of it failed; see above")
        raise KeyboardInterrupt
    return results[0]
