"""Waits until a tenant has reached a revision.

It polls PostgreSQL, with a growing pause; concurrent waiters of one tenant share each result. LISTEN/NOTIFY is not
used, because NOTIFY takes a lock of the whole database at commit.
"""

import asyncio
from time import monotonic

from store.db.pool import Pool, connection
from store.db.sql import fetch_value

FIRST, LONGEST = 0.005, 0.1
"""Seconds between two polls: at first, and at most."""


class RevisionWaiter:
    """Caches the newest known revision of each tenant, for one process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[str, tuple[int, float]] = {}
        self._looking: dict[str, asyncio.Lock] = {}

    async def reach(self, tenant: str, revision: int, seconds: float) -> bool:
        """Returns True once a revision of a tenant can be read, False after so many seconds. Raises Unavailable."""
        if self._known.get(tenant, (0, 0.0))[0] >= revision:
            return True
        end, pause = monotonic() + seconds, FIRST
        while await self._head(tenant) < revision:
            left = end - monotonic()
            if left <= 0:
                return False
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST)
        return True

    async def _head(self, tenant: str) -> int:
        requested = monotonic()
        async with self._looking.setdefault(tenant, asyncio.Lock()):
            head, when = self._known.get(tenant, (0, 0.0))
            if when >= requested:  # another waiter has polled while this one waited for the lock
                return head
            when = monotonic()
            async with connection(self._pool) as conn:
                head = await fetch_value(conn, "revision", tenant=tenant) or 0
            if head:  # tenants that do not exist would fill the memory
                self._known[tenant] = head, when
        return head
