"""Waiting until a consumer has acknowledged a revision."""

import asyncio

import pytest

from errors import Unknown
from facts import tokens
from store.consumers import acknowledgements, offsets, registrations
from store.consumers.acknowledgement_waiter import AcknowledgementWaiter
from store.consumers.registrations import Registration
from store.db.pool import Pool
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder

ANYTHING = Registration({}, None, 60, "")


async def registered(pool: Pool, name: str, tenant: str = TENANT) -> int:
    return (await registrations.register(pool, tenant, name, ANYTHING, "test")).consumer.generation


async def acknowledge(pool: Pool, name: str, generation: int, revision: int) -> None:
    offset = offsets.read(TENANT, tokens.token(TENANT, revision))
    await acknowledgements.acknowledge(pool, TENANT, name, generation, offset)


async def test_many_waiters_for_many_consumers_share_queries(pool: Pool, facts: FactRecorder) -> None:
    waiter = AcknowledgementWaiter(pool)
    held = {f"c{n}": await registered(pool, f"c{n}") for n in range(10)}
    revision = await facts.record(event("CategoryAdded", "c", 1, name="c"))
    waiting = [asyncio.create_task(waiter.reach(TENANT, name, revision, 60)) for name in held for _ in range(30)]
    while waiter.queries < 10:
        await asyncio.sleep(0.001)
    assert not any(task.done() for task in waiting)
    for name, generation in held.items():
        await acknowledge(pool, name, generation, revision)
    assert all(await asyncio.gather(*waiting))
    assert waiter.queries < 100  # 300 waiters look ten times each and more


async def test_each_waiter_is_answered_by_its_own_consumer_and_revision(pool: Pool, facts: FactRecorder) -> None:
    waiter = AcknowledgementWaiter(pool)
    fast, slow = await registered(pool, "fast"), await registered(pool, "slow")
    await registered(pool, "fast", "other")
    for n in range(2):
        await facts.record(event("CategoryAdded", f"c{n}", 1, name="c"))
    waiting = {
        (tenant, name, revision): asyncio.create_task(waiter.reach(tenant, name, revision, 60))
        for tenant, name in ((TENANT, "fast"), (TENANT, "slow"), ("other", "fast"))
        for revision in (1, 2)
    }
    await acknowledge(pool, "fast", fast, 1)
    assert await waiting.pop((TENANT, "fast", 1))
    await acknowledge(pool, "slow", slow, 2)
    assert await waiting.pop((TENANT, "slow", 1))
    assert await waiting.pop((TENANT, "slow", 2))
    assert not any(task.done() for task in waiting.values())
    for task in waiting.values():
        task.cancel()
    await asyncio.gather(*waiting.values(), return_exceptions=True)


async def test_waiter_without_time_looks_once(pool: Pool, facts: FactRecorder) -> None:
    waiter = AcknowledgementWaiter(pool)
    generation = await registered(pool, "c")
    revision = await facts.record(event("CategoryAdded", "c", 1, name="c"))
    assert not await waiter.reach(TENANT, "c", revision, 0)
    await acknowledge(pool, "c", generation, revision)
    assert await waiter.reach(TENANT, "c", revision, 0)
    await registrations.begin_generation(pool, TENANT, "c", "reset", "-1")
    assert not await waiter.reach(TENANT, "c", revision, 0)


async def test_waiters_for_a_consumer_that_is_deleted_get_an_error(pool: Pool, facts: FactRecorder) -> None:
    waiter = AcknowledgementWaiter(pool)
    await registered(pool, "c")
    revision = await facts.record(event("CategoryAdded", "c", 1, name="c"))
    waiting = asyncio.create_task(waiter.reach(TENANT, "c", revision, 60))
    while not waiter.queries:
        await asyncio.sleep(0.001)
    await registrations.delete(pool, TENANT, "c")
    with pytest.raises(Unknown, match="'c'"):
        await waiting
