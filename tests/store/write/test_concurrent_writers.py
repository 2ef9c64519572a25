"""Concurrent writers and readers: revisions are in the order of commits, without gaps."""

import asyncio
from random import Random

import pytest

from store.db.pool import create_pool
from store.db.sql import fetch_value
from store.write.settle import settle
from tests.store.write.test_histories import people
from tests.support.events import Event, event
from tests.support.locks import until_blocked
from tests.support.strategies import deliver
from tests.support.tenants import StoreTenant, cut_into_batches, expected_lines, recorded_entry

LAMP = event("ItemAdded", "lamp", 1, name="Lamp", category="light")
LIGHT = event("CategoryAdded", "light", 1, name="Light")


async def read_snapshot(tenant: StoreTenant) -> tuple[int, list[bytes], list[str]]:
    """Reads in one transaction the newest revision, the lines as of it, and the ids of the facts up to it."""
    async with tenant.pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        newest = await fetch_value(conn, "revision", tenant=tenant.name) or 0
        ids = await conn.fetch(
            "select id from facts where tenant = $1 and revision <= $2 order by id", tenant.name, newest
        )
        return newest, await tenant.lines_in(conn, newest), [row["id"] for row in ids]


async def test_second_writer_waits_and_gets_the_next_revision(tenant: StoreTenant) -> None:
    await tenant.record(event("CategoryAdded", "other", 1, name="Other"))
    before = await read_snapshot(tenant)
    async with tenant.pool.acquire() as conn:
        slow = conn.transaction()
        await slow.start()
        await settle(conn, tenant.catalog, tenant.name, [recorded_entry(tenant.catalog, LAMP)], "slow")
        quick = asyncio.create_task(tenant.record(LIGHT))
        await until_blocked(tenant.pool)
        assert await read_snapshot(tenant) == before
        await slow.commit()
    assert (await quick).revision == 3
    assert await read_snapshot(tenant) == (3, await tenant.lines(), sorted((LAMP["id"], LIGHT["id"], *before[2])))
    assert b"link|category_item|lamp|light|linked" in await tenant.lines()
    assert b"link|category_item|lamp|light|waiting" in await tenant.lines(2)
    assert (await tenant.audit()).violated == []


async def test_rollback_leaves_no_gap_in_revisions(tenant: StoreTenant) -> None:
    await tenant.record(event("CategoryAdded", "other", 1, name="Other"))
    async with tenant.pool.acquire() as conn:
        failing = conn.transaction()
        await failing.start()
        await settle(conn, tenant.catalog, tenant.name, [recorded_entry(tenant.catalog, LAMP)], "failing")
        waiting = asyncio.create_task(tenant.record(LIGHT))
        await until_blocked(tenant.pool)
        await failing.rollback()
    assert (await waiting).revision == 2
    await tenant.assert_holds([event("CategoryAdded", "other", 1, name="Other"), LIGHT])
    assert (await tenant.record(LAMP)).revision == 3  # after a rollback, the same fact is no duplicate


async def test_first_two_writers_of_a_tenant_do_not_collide(tenant: StoreTenant) -> None:
    others = [StoreTenant(tenant.pool) for _ in range(4)]
    facts = [event("ItemAdded", f"lamp-{n}", 1, name="Lamp", category="light") for n in range(4)]
    answers = await asyncio.gather(*(other.record(fact) for other, fact in zip(others, facts, strict=True)))
    assert sorted(answer.revision for answer in answers) == [1, 2, 3, 4]
    await tenant.assert_holds(facts)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_several_recorders_with_same_facts_end_as_the_model_says(
    tenant: StoreTenant, database_url: str, seed: int
) -> None:
    events = people(seed, 10, 120)
    second = await create_pool(database_url, 3)
    recorders = [tenant, StoreTenant(second), StoreTenant(second)]
    done = asyncio.Event()
    observed: list[tuple[int, int, int]] = []

    async def read() -> None:
        """Asserts that the lines as of a revision never change, and that facts up to it never disappear."""
        known: dict[int, tuple[list[bytes], list[str]]] = {}
        while not done.is_set():
            newest, lines, ids = await read_snapshot(tenant)
            earlier = known.setdefault(newest, (lines, ids))
            assert earlier[0] == lines
            assert set(earlier[1]) <= set(ids)
            observed.append((newest, len(ids), len(known)))
            await asyncio.sleep(0.01)

    async def write(number: int, recorder: StoreTenant) -> None:
        random = Random(seed * 10 + number)
        for batch in cut_into_batches(random, deliver(seed * 10 + number, events, repeats=0.1), 3):
            await recorder.record(*batch)
            await asyncio.sleep(random.random() * 0.004)

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(number, recorder) for number, recorder in enumerate(recorders)))
    done.set()
    await reading
    await second.close()
    assert observed == sorted(observed)
    await tenant.assert_holds(events)


async def test_concurrent_callers_share_revisions_and_all_get_answers(tenant: StoreTenant) -> None:
    events: list[Event] = people(9, 10, 200)
    answers = await asyncio.gather(*(tenant.record(event) for event in deliver(9, events, repeats=0.3)))
    assert sum(answer.accepted for answer in answers) == len(events)
    assert sum(answer.duplicates for answer in answers) == round(len(events) * 0.3)
    assert max(answer.revision for answer in answers) < 30
    assert await tenant.lines() == expected_lines(tenant.catalog, events)
