"""Waiting until a revision is committed, and snapshots."""

import asyncio
from time import monotonic

import pytest

from errors import NotYet
from store.db.pool import Pool
from store.db.revision_waiter import RevisionWaiter
from store.db.snapshot import snapshot
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder


async def test_waiters_return_once_the_revision_is_committed(pool: Pool, facts: FactRecorder) -> None:
    revisions = RevisionWaiter(pool)
    waiters = [asyncio.create_task(revisions.reach(TENANT, 1, 30)) for _ in range(50)]
    await asyncio.sleep(0)
    assert not any(waiter.done() for waiter in waiters)
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    begun = monotonic()
    assert all(await asyncio.gather(*waiters))
    assert monotonic() - begun < 5
    assert await revisions.reach(TENANT, 1, 0)


async def test_waiter_returns_false_after_its_timeout(pool: Pool) -> None:
    assert not await RevisionWaiter(pool).reach(TENANT, 1, 0.05)
    assert not await RevisionWaiter(pool).reach("tenant without facts", 1, 0)


async def test_snapshot_of_a_future_revision_raises_not_yet(pool: Pool) -> None:
    with pytest.raises(NotYet):
        async with snapshot(pool, TENANT, 1):
            pass


async def test_snapshot_does_not_see_later_writes(pool: Pool, facts: FactRecorder) -> None:
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    async with snapshot(pool, TENANT) as at:
        await facts.record(event("CategoryRemoved", "c", 2))
        assert at.head == at.revision == 1
        assert await at.conn.fetchval("select count(*) from entities") == 1
