"""Concurrent writers and readers: the order of revisions is the order of commits, without gaps."""

import asyncio
from random import Random

import pytest

from store.db.pool import Pool, create_pool
from store.db.sql import fetch_value
from store.write.settle import settle
from tests.store.write.test_histories import people
from tests.support.events import Event
from tests.support.model_facts import say
from tests.support.strategies import deliver
from tests.support.tenants import Tether, cut, entry, expected

LAMP = say("ItemAdded", "lamp", 1, name="Lamp", category="light")
LIGHT = say("CategoryAdded", "light", 1, name="Light")


async def seen(tether: Tether) -> tuple[int, list[bytes], list[str]]:
    """What a reader sees: the head, the lines, and the facts up to the head."""
    async with tether.pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        head = await fetch_value(conn, "revision", tenant=(tenant := tether.tenant)) or 0
        ids = await conn.fetch("select id from facts where tenant = $1 and revision <= $2 order by id", tenant, head)
        return head, await tether.lines_in(conn, head), [row["id"] for row in ids]


async def until_somebody_waits_for_a_lock(pool: Pool) -> None:
    while not await pool.fetchval("select count(*) from pg_locks where not granted"):
        await asyncio.sleep(0.005)


async def test_second_writer_waits_and_gets_the_next_revision(tether: Tether) -> None:
    await tether.tell(say("CategoryAdded", "other", 1, name="Other"))
    before = await seen(tether)
    async with tether.pool.acquire() as conn:
        slow = conn.transaction()
        await slow.start()
        await settle(conn, tether.catalog, tether.tenant, [entry(tether.catalog, LAMP)], "slow")
        quick = asyncio.create_task(tether.tell(LIGHT))
        await until_somebody_waits_for_a_lock(tether.pool)
        assert await seen(tether) == before
        await slow.commit()
    assert (await quick).revision == 3
    assert await seen(tether) == (3, await tether.lines(), sorted((LAMP["id"], LIGHT["id"], *before[2])))
    assert b"link|category_item|lamp|light|linked" in await tether.lines()
    assert b"link|category_item|lamp|light|waiting" in await tether.lines(2)
    assert (await tether.verified()).violated == []


async def test_rollback_leaves_no_gap_in_revisions(tether: Tether) -> None:
    await tether.tell(say("CategoryAdded", "other", 1, name="Other"))
    async with tether.pool.acquire() as conn:
        failing = conn.transaction()
        await failing.start()
        await settle(conn, tether.catalog, tether.tenant, [entry(tether.catalog, LAMP)], "failing")
        waiting = asyncio.create_task(tether.tell(LIGHT))
        await until_somebody_waits_for_a_lock(tether.pool)
        await failing.rollback()
    assert (await waiting).revision == 2
    await tether.holds([say("CategoryAdded", "other", 1, name="Other"), LIGHT])
    assert (await tether.tell(LAMP)).revision == 3  # what was rolled back is no duplicate


async def test_first_two_writers_of_a_tenant_do_not_collide(tether: Tether) -> None:
    others = [Tether(tether.pool) for _ in range(4)]
    facts = [say("ItemAdded", f"lamp-{n}", 1, name="Lamp", category="light") for n in range(4)]
    answers = await asyncio.gather(*(other.tell(fact) for other, fact in zip(others, facts, strict=True)))
    assert sorted(answer.revision for answer in answers) == [1, 2, 3, 4]
    await tether.holds(facts)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_several_recorders_with_same_facts_end_as_the_model_says(
    tether: Tether, database_url: str, seed: int
) -> None:
    events = people(seed, 10, 120)
    second = await create_pool(database_url, 3)
    recorders = [tether, Tether(second), Tether(second)]
    done = asyncio.Event()
    heads: list[tuple[int, int, int]] = []

    async def read() -> None:
        """Revisions and facts never decrease, and what a revision bounds never changes."""
        known: dict[int, tuple[list[bytes], list[str]]] = {}
        while not done.is_set():
            head, lines, ids = await seen(tether)
            earlier = known.setdefault(head, (lines, ids))
            assert earlier[0] == lines
            assert set(earlier[1]) <= set(ids)
            heads.append((head, len(ids), len(known)))
            await asyncio.sleep(0.01)

    async def write(number: int, recorder: Tether) -> None:
        random = Random(seed * 10 + number)
        for batch in cut(random, deliver(seed * 10 + number, events, repeats=0.1), 3):
            await recorder.tell(*batch)
            await asyncio.sleep(random.random() * 0.004)

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(number, recorder) for number, recorder in enumerate(recorders)))
    done.set()
    await reading
    await second.close()
    assert heads == sorted(heads)
    await tether.holds(events)


async def test_concurrent_callers_share_revisions_and_all_get_answers(tether: Tether) -> None:
    events: list[Event] = people(9, 10, 200)
    answers = await asyncio.gather(*(tether.tell(event) for event in deliver(9, events, repeats=0.3)))
    assert sum(answer.accepted for answer in answers) == len(events)
    assert sum(answer.duplicates for answer in answers) == round(len(events) * 0.3)
    assert max(answer.revision for answer in answers) < 30
    assert await tether.lines() == expected(tether.catalog, events)
