"""Waits until a tenant's revision can be read: for readers that name the revision they need (read your writes), and for
followers of the feed, which always wait for the next one.

Waiters poll PostgreSQL, at first every few milliseconds and then less often; the waiters of one tenant in a process
share each answer, and its followers share one query for all of them. LISTEN is not used: NOTIFY makes every writer take
a lock of the whole database at commit.
"""

import asyncio
from time import monotonic

from errors import Unavailable
from store.db.pool import Pool, connection
from store.db.sql import fetch_value

FIRST, LONGEST = 0.005, 0.1
"""Seconds between two queries: at first, and at most. Followers query at the longest interval."""
WAKES, AT_ONCE = 500, 2
"""Followers of a tenant that are woken in a second, and at once: a write must not make hundreds of them work."""


class RevisionWaiter:
    """The newest revisions of tenants, as far as this process knows them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[str, tuple[int, float]] = {}
        self._querying: dict[str, asyncio.Lock] = {}
        self._followers: dict[str, dict[asyncio.Future[int], int]] = {}
        self._polling: dict[str, asyncio.Task[None]] = {}
        self.released = False

    async def reach(self, tenant: str, revision: int, seconds: float) -> bool:
        """Returns True once the revision can be read, or False after ``seconds``. Raises Unavailable."""
        if self.known(tenant) >= revision:
            return True
        end, pause = monotonic() + seconds, FIRST
        while await self.newest(tenant) < revision:
            left = end - monotonic()
            if left <= 0:
                return False
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST)
        return True

    async def follow(self, tenant: str, revision: int, seconds: float) -> int:
        """Returns the newest revision once the given one can be read; 0 after ``seconds``, or when `release` is called.

        One query every tenth of a second serves all who wait here for a tenant. They are woken in rounds, one after
        another, all of a round with the same newest revision. Raises Unavailable.
        """
        if self.released or seconds <= 0:
            return 0
        woken: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        followers = self._followers.setdefault(tenant, {})
        followers[woken] = revision
        if tenant not in self._polling:
            self._polling[tenant] = asyncio.create_task(self._poll(tenant, followers))
        try:
            async with asyncio.timeout(seconds):
                return await woken
        except TimeoutError:
            return 0
        finally:
            del followers[woken]

    def known(self, tenant: str) -> int:
        """The newest revision of a tenant that this process has seen; 0 if it has seen none."""
        return self._known.get(tenant, (0, 0.0))[0]

    def saw(self, tenant: str, revision: int) -> None:
        """Notes a revision that was read otherwise."""
        known, at = self._known.get(tenant, (0, 0.0))
        if revision > known:
            self._known[tenant] = revision, at

    async def newest(self, tenant: str) -> int:
        """The newest revision of a tenant at some moment after the call began. Raises Unavailable."""
        begun = monotonic()
        async with self._querying.setdefault(tenant, asyncio.Lock()):
            revision, at = self._known.get(tenant, (0, 0.0))
            if at >= begun:  # another waiter queried while this one waited for the lock
                return revision
            at = monotonic()
            async with connection(self._pool) as conn:
                revision = int(await fetch_value(conn, "revision", tenant=tenant))
            if revision:  # names of tenants that have never written do not fill the memory
                self._known[tenant] = revision, at
        return revision

    def release(self) -> None:
        """Lets all followers go, and no further one wait: the process is about to stop."""
        self.released = True
        for followers in self._followers.values():
            for woken in followers:
                if not woken.done():
                    woken.set_result(0)

    async def close(self) -> None:
        """Ends the queries for followers."""
        self.release()
        tasks = [*self._polling.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self, tenant: str, followers: dict[asyncio.Future[int], int]) -> None:
        """Queries as long as there are followers, and wakes those whose revision is there before it queries again."""
        try:
            while followers:
                revision = await self.newest(tenant)
                due = [woken for woken, wanted in followers.items() if wanted <= revision]
                for n, woken in enumerate(due, 1):
                    if not woken.done():
                        woken.set_result(revision)
                    if n % AT_ONCE == 0:
                        await asyncio.sleep(AT_ONCE / WAKES)
                await asyncio.sleep(LONGEST)
        except Unavailable as error:
            for woken in followers:
                if not woken.done():
                    woken.set_exception(error)
        finally:
            del self._polling[tenant], self._followers[tenant]
