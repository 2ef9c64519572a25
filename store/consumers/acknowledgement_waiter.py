"""Waits until consumers have acknowledged a revision, for callers that read their writes in another service.

Waiters poll PostgreSQL, at first every few milliseconds and then less often. Those of a process look at the same
moments, so that one query answers all of them, whichever consumers they wait for.
"""

import asyncio
from collections import Counter
from time import monotonic
from typing import NamedTuple

from store.consumers.registrations import missing
from store.db.pool import Pool, connection
from store.db.sql import fetch_rows

FIRST, LONGEST = 0.005, 0.1
"""Seconds between two looks: at first, and at most."""


class _PositionRow(NamedTuple):
    """A row of ``consumer_positions``."""

    tenant: str
    name: str
    position_revision: int


class AcknowledgementWaiter:
    """What the waiters of one process wait for, and the newest answer. ``queries``: how many there were."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._wanted = Counter[tuple[str, str]]()
        self._known: dict[tuple[str, str], int] = {}
        self._at = 0.0
        self._querying = asyncio.Lock()
        self.queries = 0

    async def reach(self, tenant: str, name: str, revision: int, seconds: float) -> bool:
        """Returns True once a consumer has acknowledged everything up to a revision, or False after ``seconds``.

        What counts is its position after the call began. Raises Unknown if there is no such consumer, Unavailable.
        """
        end, pause = monotonic() + seconds, FIRST
        self._wanted[tenant, name] += 1
        try:
            while await self._position(tenant, name) <= revision:
                left = end - monotonic()
                if left <= 0:
                    return False
                await asyncio.sleep(min(pause - monotonic() % pause, left))  # all waiters look at multiples of a pause
                pause = min(pause * 2, LONGEST)
        finally:
            self._wanted[tenant, name] -= 1
            self._wanted += Counter()  # removes consumers that nothing waits for any more
        return True

    async def _position(self, tenant: str, name: str) -> int:
        """The first revision that a consumer has not acknowledged, at some moment after the call began."""
        begun = monotonic()
        async with self._querying:
            if self._at < begun:  # else another waiter queried while this one waited for the lock
                await self._query()
        position = self._known.get((tenant, name))
        if position is None:
            raise missing(name)
        return position

    async def _query(self) -> None:
        at = monotonic()
        tenants, names = zip(*self._wanted, strict=True)
        self.queries += 1
        async with connection(self._pool) as conn:
            rows = await fetch_rows(conn, _PositionRow, "consumer_positions", tenants=list(tenants), names=list(names))
        self._known = {(row.tenant, row.name): row.position_revision for row in rows}
        self._at = at
