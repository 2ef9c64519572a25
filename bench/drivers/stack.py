"""A Tether of its own for each row: fresh, durable, on loopback and free ports, gone afterwards."""

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

from bench.errors import Spoilt
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
"""Declarations of the bench's own, beside those of the project."""

OWNERS = ("channels", "events", "teams")
"""Whom it can ask."""

T = TypeVar("T")


@dataclass(frozen=True)
class Tenant:
    """Someone with nothing in the tables yet, and a key that may do everything."""

    name: str
    key: str


@dataclass(frozen=True)
class MeasuredTether:
    """A running Tether. ``owners``: the ports on which it expects owners; none listens yet."""

    urls: Urls
    folder: Path
    owners: Mapping[str, int]
    environment: Mapping[str, str]
    """What a process needs to reach this stack's Temporal."""
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
        """Another one at each call."""
        name = f"bench{next(self._numbers)}"
        pool = await create_pool(self.urls.database, 1, name="bench")
        try:
            async with pool.acquire() as conn:
                return Tenant(name, await credentials.create(conn, name, "bench", "admin"))
        finally:
            await pool.close()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Connection]:
        """A connection with PostgreSQL's own settings."""
        conn = await asyncpg.connect(self.urls.database)
        try:
            yield conn
        finally:
            await conn.close()


def with_tether(measure: Callable[[MeasuredTether], Awaitable[T]]) -> T:
    """What ``measure`` returns, given a fresh stack. Raises KeyboardInterrupt when stopped; then all is stopped."""
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as name:
        # PostgreSQL may have to run as someone else, who must be able to pass through.
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
        admin_key="",
    )
    # A person's own Tether or Temporal must not be reached by what is measured here.
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
            raise Spoilt("Tether did not start, or a part gave up; see above")
        raise KeyboardInterrupt
    return results[0]
