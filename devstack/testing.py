"""Servers for tests, each in a temporary folder and on free ports."""

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from devstack.ports import free_port
from devstack.postgres import Postgres
from devstack.temporal_server import TemporalServer


@asynccontextmanager
async def temporary_postgres(*, durable: bool = False) -> AsyncIterator[Postgres]:
    """A new cluster, deleted afterwards. Not durable: faster; survives kill -9, but not a power cut."""
    with _folder() as here:
        postgres = Postgres(here / "postgres", free_port(), here / "postgres.log", durable=durable)
        try:
            await postgres.start()
            yield postgres
        finally:
            await postgres.stop()


@asynccontextmanager
async def temporary_temporal(
    *, extra: Sequence[str] = (), database: Path | None = None
) -> AsyncIterator[TemporalServer]:
    """A server in memory, or on the file `database`, which is kept. `extra`: arguments of its command."""
    with _folder() as here:
        server = TemporalServer(database, free_port(), free_port(), here / "temporal.log", extra=extra)
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tether-") as folder:
        # PostgreSQL may have to run as another user, who must be able to enter.
        Path(folder).chmod(0o711)
        yield Path(folder)
