"""How far each tenant has come, for readers that wait for more.

Waiters ask PostgreSQL, often at first and then less; those of one tenant share an answer. LISTEN would cost every
writer a lock of the whole database at commit.
"""

import asyncio
from time import monotonic

from store.db.pool import Pool, connection
from store.db.sql import fetch_value

FIRST, LONGEST = 0.005, 0.1
"""Seconds between two looks: at first, and at most."""


class Heads:
    """The heads of all tenants, as one process knows them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[str, tuple[int, float]] = {}
        self._looking: dict[str, asyncio.Lock] = {}

    async def reach(self, tenant: str, revision: int, seconds: float) -> bool:
        """Returns once the revision can be read, or False after so many seconds. Raises Unavailable."""
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
        asked = monotonic()
        async with self._looking.setdefault(tenant, asyncio.Lock()):
            head, when = self._known.get(tenant, (0, 0.0))
            if when >= asked:  # somebody looked while we stood in line
                return head
            when = monotonic()
            async with connection(self._pool) as conn:
                head = await fetch_value(conn, "revision", tenant=tenant) or 0
            if head:  # names that nobody writes under are not worth remembering
                self._known[tenant] = head, when
        return head
