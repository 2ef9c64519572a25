"""After a restore, tenants that the backup did not contain begin in the newest epoch, like those that it did."""

import asyncio

import pytest

from catalog.catalog import Catalog
from errors import Expired
from facts.revisions import epoch_of
from store.audit.verify import verify
from store.consumers import registrations
from store.consumers.registrations import Registration
from store.db import epochs
from store.db.pool import Pool, transaction
from store.db.revision_waiter import RevisionWaiter
from store.db.snapshot import snapshot
from store.write import tenant_lock
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder

CATEGORY = event("CategoryAdded", "c", 1, name="c")


async def restore(pool: Pool) -> int:
    """Begins an epoch; returns its first revision."""
    async with pool.acquire() as conn:
        await epochs.begin_everywhere(conn, "a test")
        return int(await conn.fetchval("select revision from newest_epoch"))


async def begun(pool: Pool) -> list[tuple[str, int, int]]:
    rows = await pool.fetch("select tenant, revision, restored from epochs order by tenant, revision")
    return [tuple(row) for row in rows]


async def positions_refused(pool: Pool, *revisions: int) -> None:
    """Checks that tokens and positions of these revisions have expired, and that the beginning can be read."""
    async with snapshot(pool, TENANT) as at:
        for revision in revisions:
            with pytest.raises(Expired):
                await epochs.check_kept(at, revision)
            with pytest.raises(Expired):
                at.check_feed(revision)
        at.check_feed(await epochs.beginning(at))


async def test_tokens_of_a_lost_tenant_are_refused_before_and_after_it_writes(pool: Pool, facts: FactRecorder) -> None:
    first = await restore(pool)
    await positions_refused(pool, 1, 7)
    assert await facts.record(CATEGORY) == first + 1
    await positions_refused(pool, 1, 7)
    assert await begun(pool) == [(TENANT, first, 0)]
    again = await restore(pool)
    assert epoch_of(again) > epoch_of(first)
    async with snapshot(pool, TENANT) as at:
        await epochs.check_kept(at, first + 1)
        with pytest.raises(Expired, match="the feed begins where"):
            await epochs.beginning(at)


async def test_a_tenant_that_has_not_written_is_in_the_newest_epoch(pool: Pool) -> None:
    first = await restore(pool)
    assert await RevisionWaiter(pool).newest(TENANT) == first
    async with snapshot(pool, TENANT) as at:
        assert (at.head, at.revision) == (first, first)
        assert await epochs.beginning(at) == first + 1


async def test_a_tenant_that_had_nothing_to_restore_can_be_read_from_its_beginning(
    pool: Pool, facts: FactRecorder
) -> None:
    async with transaction(pool) as conn:
        await tenant_lock.lock(conn, TENANT)
    await restore(pool)
    first = await restore(pool)
    await facts.record(CATEGORY)
    async with snapshot(pool, TENANT) as at:
        assert await epochs.beginning(at) == first + 1


async def test_tables_of_a_tenant_that_began_after_a_restore_verify(
    pool: Pool, facts: FactRecorder, catalog: Catalog
) -> None:
    await restore(pool)
    await facts.record(CATEGORY)
    assert (await verify(pool, catalog, rebuild=True)).sound


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "rolled-back"])
async def test_no_tenant_begins_beside_a_restore_in_the_former_epoch(pool: Pool, committed: bool) -> None:
    async with pool.acquire() as conn:
        beginning = conn.transaction()
        await beginning.start()
        await tenant_lock.lock(conn, TENANT)
        restoring = asyncio.create_task(restore(pool))
        await asyncio.wait([restoring], timeout=0.2)
        assert not restoring.done()
        await (beginning.commit() if committed else beginning.rollback())
    first = await restoring
    assert await begun(pool) == ([(TENANT, first, 0)] if committed else [])
    async with snapshot(pool, TENANT) as at:
        assert at.head == first


async def test_generations_of_consumers_never_recur_after_a_restore(pool: Pool, facts: FactRecorder) -> None:
    async def take_over(name: str) -> int:
        await registrations.register(pool, TENANT, name, Registration({}, "now", 60, ""), "test")
        return (await registrations.begin_generation(pool, TENANT, name, "holder", None)).generation

    assert [await take_over("one"), await take_over("two")] == [2, 4]
    first = await restore(pool)
    number = await take_over("one")
    assert number == (epoch_of(first) << 20) + 1
    assert await take_over("three") == number + 2
    assert number < 2**53  # what JavaScript counts
