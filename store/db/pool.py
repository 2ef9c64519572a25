"""Connections to PostgreSQL, and what every session is set to."""

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
"""What a connection does that was lost while it was in use."""

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
"""What PostgreSQL does when it cannot serve now, as opposed to when it was asked nonsense."""

NOT_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError)
"""What it says of a database that is older than this version: `tether migrate` mends that."""

_SETTINGS = {
    "application_name": "tether",
    "search_path": "tether",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "30s",
    # One plan for all values: by those of a tenant that has just begun, statistics say that it has no rows at all.
    "plan_cache_mode": "force_generic_plan",
    # The tables grow by orders of magnitude under a plan that was made when they were empty: never join by
    # reading a table whole where an index leads to the few rows that are wanted.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


async def create_pool(url: str, size: int, *, name: str = "tether") -> Pool:
    """A pool of up to ``size`` connections; none is made before it is needed, so PostgreSQL may come later."""
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
    """Sessions hold nothing that the next user must not find, which saves a round trip at every release."""


async def _codecs(conn: Connection) -> None:
    """JSON goes out as the text that we made of it, and comes in as values; binary, so that COPY can carry it."""
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
    """A connection; raises Unavailable if PostgreSQL is away or goes away meanwhile."""
    try:
        async with pool.acquire(timeout=5) as conn:
            try:
                yield conn
            except BROKEN as error:
                conn.terminate()  # whatever state it is in, nobody gets it again
                if "the server expects" in str(error):  # asyncpg's word for a mistake of ours: not to be retried
                    raise TypeError(str(error)) from error
                raise
    except AWAY as error:
        raise Unavailable(f"PostgreSQL is away: {type(error).__name__}", retry_after=1.0) from error


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection inside a READ COMMITTED transaction."""
    async with connection(pool) as conn, conn.transaction():
        yield conn
