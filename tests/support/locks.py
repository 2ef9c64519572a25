"""Waits for locks of PostgreSQL, so that tests order their transactions by events."""

from store.db.pool import Connection, Pool
from tests.support.eventually import eventually

_BLOCKED = "select exists (select from pg_locks where not granted)"


async def until_blocked(conn: Connection | Pool) -> None:
    """Returns once a transaction of this worker's server waits for a lock. AssertionError if none does in time."""

    async def is_blocked() -> bool:
        return bool(await conn.fetchval(_BLOCKED))

    await eventually(is_blocked)
