"""One revision of one tenant, to be read by any number of queries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from errors import NotYet
from store.db.pool import Connection, Pool, connection
from store.db.sql import fetch_value


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``revision`` is the one to read; ``head`` the newest. All queries on ``conn`` see the same state."""

    conn: Connection
    tenant: str
    head: int
    revision: int


@asynccontextmanager
async def snapshot(pool: Pool, tenant: str, as_of: int | None = None) -> AsyncIterator[Snapshot]:
    """The state as of a revision, or of the newest. Raises NotYet if there is no such revision yet, Unavailable.

    What keeps no history, as the table of waits, is that of the newest revision in any case.
    """
    async with connection(pool) as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        head = await fetch_value(conn, "revision", tenant=tenant) or 0
        if as_of is not None and as_of > head:
            raise NotYet("the revision that was asked for has not been reached")
        yield Snapshot(conn, tenant, head, head if as_of is None else as_of)
