"""Waits until a tenant's revision can be read, for readers that name the revision they need (read your writes).

Waiters poll PostgreSQL, at first every few milliseconds and then less often; the waiters of one tenant in a process
share each answer. LISTEN is not used: NOTIFY makes every writer take a lock of the whole database at commit.
"""

import asyncio
from time import monotonic

from store.db.pool import Pool, connection
from store.db.sql import fetch_value

FIRST, LONGEST = 0.005, 0.1
"""Seconds between two queries: at first, and at most."""


class RevisionWaiter:
    """The newest revisions of tenants, as far as this process knows them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[str, tuple[int, float]] = {}
        self._querying: dict[str, asyncio.Lock] = {}

    async def reach(self, tenant: str, revision: int, seconds: float) -> bool:
        """Returns True once the revision can be read, or False after ``seconds``. Raises Unavailable."""
        if self._known.get(tenant, (0, 0.0))[0] >= revision:
            return True
        end, pause = monotonic() + seconds, FIRST
        while await self._newest(tenant) < revision:
            left = end - monotonic()
            if left <= 0:
                return False
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST)
        return True

    async def _newest(self, tenant: str) -> int:
        """The newest revision of a tenant at some moment after the call began."""
        begun = monotonic()
        async with self._querying.setdefault(tenant, asyncio.Lock()):
            revision, at = self._known.get(tenant, (0, 0.0))
            if at >= begun:  # another waiter queried while this one waited for the lock
                return revision
            at = monotonic()
            async with connection(self._pool) as conn:
                revision = await fetch_value(conn, "revision", tenant=tenant) or 0
            if revision:  # names of tenants that have never written do not fill the memory
                self._known[tenant] = revision, at
        return revision
