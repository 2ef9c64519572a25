"""Connections to PostgreSQL, their settings, and the errors of an unavailable database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import orjson

from errors import Unavailable

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:  # generic for the type checker only
    Pool, Connection = asyncpg.Pool, asyncpg.Connection

BROKEN = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Errors of a connection that was lost while it was in use."""

AWAY = (
    *BROKEN,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
)
"""Errors of a database that cannot serve now; the same call may succeed later."""

NOT_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError)
"""Errors of a schema that is older than this version; `tether migrate` brings it up to date."""

_SETTINGS = {
    "application_name": "tether",
    "search_path": "tether",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "30s",
    # One plan for all arguments: for a new tenant, the statistics say that it has no rows at all.
    "plan_cache_mode": "force_generic_plan",
    # Tables grow by orders of magnitude under a plan that was made when they were empty, so joins must use the index
    # that leads to the few rows they need, and never read a whole table.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


async def create_pool(url: str, size: int, *, name: str = "tether") -> Pool:
    """Creates a pool of up to ``size`` connections. The first is opened when it is needed: PostgreSQL may start later.

    ``name``: the application name of its sessions.
    """
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=5,
        command_timeout=90,
        max_inactive_connection_lifetime=60,
        server_settings={**_SETTINGS, "application_name": name},
        init=_codecs,
        reset=_as_it_is,
    )


async def _as_it_is(conn: Connection) -> None:
    """Resets nothing: sessions keep no state between uses, and this saves a round trip at every release."""


async def _codecs(conn: Connection) -> None:
    """Sends JSON as text that is encoded already, and decodes JSON that is read. Binary, as COPY needs it."""
    await conn.set_type_codec("json", schema="pg_catalog", format="binary", encoder=str.encode, decoder=orjson.loads)
    await conn.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda text: b"\x01" + text.encode(),  # the version of the format
        decoder=lambda raw: orjson.loads(raw[1:]),
    )


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """Acquires a connection. Raises Unavailable if PostgreSQL is not available, or stops to be meanwhile."""
    try:
        async with pool.acquire(timeout=5) as conn:
            try:
                yield conn
            except BROKEN as error:
                conn.terminate()  # its state is unknown, so it must not go back to the pool
                if "the server expects" in str(
                    error
                ):  # asyncpg's text for a wrong number of arguments: a mistake in the call, not to be retried
                    raise TypeError(str(error)) from error
                raise
    except AWAY as error:
        raise Unavailable(f"PostgreSQL is unavailable: {type(error).__name__}", retry_after=1.0) from error


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection inside a READ COMMITTED transaction."""
    async with connection(pool) as conn, conn.transaction():
        yield conn
