"""Repeated facts have no effect, contradicting ones are refused, and a bad fact stops no other."""

import asyncio
from typing import Any

import orjson
import pytest

from store.write.recorder import CONFLICT
from tests.support.model_facts import say
from tests.support.tenants import Tether, entry

LAMP = say("ItemAdded", "lamp", 1, name="Lamp", category="light")
LIGHT = say("CategoryAdded", "light", 1, name="Light")


async def quarantined(tether: Tether) -> list[dict[str, Any]]:
    rows = await tether.pool.fetch("select event_id, reason, raw, times from quarantine order by id")
    return [{**row, "raw": orjson.loads(row["raw"])} for row in rows]


async def revision(tether: Tether) -> int:
    return int(
        await tether.pool.fetchval("select revision from tenant_revisions where tenant = $1", tether.tenant) or 0
    )


async def test_repeated_fact_is_counted_and_has_no_effect(tether: Tether) -> None:
    first = await tether.tell(LAMP, LAMP, LIGHT)
    assert (first.accepted, first.duplicates, first.revision) == (2, 1, 1)
    again = await tether.tell(LAMP, {**LAMP, "traceparent": "00-1"}, LIGHT)
    assert (again.accepted, again.duplicates, again.revision) == (0, 3, 1)
    assert await quarantined(tether) == []
    await tether.holds([LAMP, LIGHT])


@pytest.mark.parametrize("together", [True, False])
async def test_other_body_under_same_id_is_refused_and_first_stays(tether: Tether, together: bool) -> None:
    forged = {**LAMP, "data": {"name": "Forged", "category": "elsewhere"}}
    if together:
        answer = await tether.tell(LAMP, LIGHT, forged)
        assert (answer.accepted, answer.refused) == (2, {2: CONFLICT})
    else:
        await tether.tell(LAMP, LIGHT)
        answer = await tether.tell(forged, LAMP)
        assert (answer.accepted, answer.duplicates, answer.refused) == (0, 1, {0: CONFLICT})
    (kept,) = await quarantined(tether)
    assert (kept["event_id"], kept["reason"], kept["raw"]["data"]) == (LAMP["id"], CONFLICT, forged["data"])
    await tether.tell(forged)
    assert [kept["times"] for kept in await quarantined(tether)] == [2]
    await tether.holds([LAMP, LIGHT])


@pytest.mark.parametrize("other", [{"sequence": "2"}, {"subject": "lamb"}, {"time": "2013-01-01T00:00:00Z"}])
async def test_other_sequence_subject_or_time_is_another_body(tether: Tether, other: dict[str, str]) -> None:
    await tether.tell(LAMP)
    assert (await tether.tell({**LAMP, **other})).refused == {0: CONFLICT}
    await tether.holds([LAMP])


async def test_same_id_of_other_source_or_tenant_is_another_fact(tether: Tether) -> None:
    elsewhere = {**LAMP, "source": "/elsewhere", "sequence": "2", "data": {"name": "Other"}}
    assert (await tether.tell(LAMP, elsewhere)).accepted == 2
    assert (await tether.other().tell(LAMP)).accepted == 1
    await tether.holds([LAMP, elsewhere])


async def test_fact_without_a_change_is_kept_and_opens_no_revision(tether: Tether) -> None:
    await tether.tell(LAMP, LIGHT)
    idle = [
        say("ItemUpdated", "lamp", 2, name="Lamp"),
        say("ItemUpdated", "lamp", 0, name="an older name"),
        say("CategoryRemoved", "light", 0),  # an end before this life
    ]
    for event in idle:
        answer = await tether.tell(event)
        assert (answer.accepted, answer.revision) == (1, 1)
    assert await tether.pool.fetchval("select count(*) from facts where revision = 1") == 5
    assert await tether.pool.fetchval("select count(*) from revisions") == 1
    await tether.holds([LAMP, LIGHT, *idle])


@pytest.mark.parametrize(("was", "becomes"), [(1, True), (1, 1.0), (0.0, -0.0), ([0], [False])])
async def test_values_equal_in_python_but_not_in_json_are_a_change(tether: Tether, was: Any, becomes: Any) -> None:
    before = await tether.tell(say("ItemAdded", "lamp", 1, name="Lamp", bright=was))
    lines = await tether.lines()
    after = await tether.tell(say("ItemUpdated", "lamp", 2, bright=becomes))
    assert after.revision == before.revision + 1
    assert await tether.lines(before.revision) == lines != await tether.lines()


def unstorable(tether: Tether, key: str) -> Any:
    """An entry that validation let pass, and that PostgreSQL does not hold."""
    return entry(tether.catalog, say("ItemAdded", "poison", 1, name="Poison"))._replace(key=key)


POISON = {"a NUL": "\x00", "too long for an index": "".join(chr(0x10000 + n * 7919 % 0xFFFF) for n in range(1024))}


@pytest.mark.parametrize("key", POISON.values(), ids=POISON)
async def test_fact_that_cannot_be_stored_does_not_stop_its_batch(tether: Tether, key: str) -> None:
    good = [say("ItemAdded", f"lamp-{n}", 1, name="Lamp", category="light") for n in range(9)]
    batch = [*(entry(tether.catalog, event) for event in good[:5]), unstorable(tether, key)]
    batch += [entry(tether.catalog, event) for event in good[5:]]
    answer = await tether.recorder.record(tether.tenant, batch, actor="test")
    assert (answer.accepted, answer.duplicates, list(answer.refused)) == (9, 0, [5])
    assert answer.refused[5].startswith("cannot be stored: ")
    assert [kept["event_id"] for kept in await quarantined(tether)] == [batch[5].id]
    assert answer.revision == await revision(tether)
    await tether.holds(good)


async def test_time_beyond_the_calendar_is_quarantined(tether: Tether) -> None:
    beyond = entry(tether.catalog, LAMP)._replace(time=2**62)
    answer = await tether.recorder.record(tether.tenant, [beyond, entry(tether.catalog, LIGHT)], actor="test")
    assert (answer.accepted, list(answer.refused)) == (1, [0])
    await tether.holds([LIGHT])


async def test_fact_that_cannot_be_stored_does_not_stop_other_callers(tether: Tether) -> None:
    good = [say("ItemAdded", f"lamp-{n}", 1, name="Lamp", category="light") for n in range(8)]
    calls = [[entry(tether.catalog, event)] for event in good]
    calls.insert(4, [unstorable(tether, "\x00")])
    answers = await asyncio.gather(*(tether.recorder.record(tether.tenant, call, actor="test") for call in calls))
    assert [(answer.accepted, list(answer.refused)) for answer in answers] == [
        *[(1, [])] * 4,
        (0, [0]),
        *[(1, [])] * 4,
    ]
    await tether.holds(good)


async def test_unexpected_error_fails_one_caller_of_a_group(tether: Tether) -> None:
    wrong = entry(tether.catalog, say("ItemAdded", "wrong", 1, name="Wrong"))._replace(names=((),))  # type: ignore[arg-type]
    calls = [[entry(tether.catalog, LIGHT)], [wrong], [entry(tether.catalog, LAMP)]]
    answers = await asyncio.gather(
        *(tether.recorder.record(tether.tenant, call, actor="test") for call in calls), return_exceptions=True
    )
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]
    await tether.holds([LIGHT, LAMP])


async def test_stopped_recorder_answers_waiting_callers(tether: Tether) -> None:
    async with tether.pool.acquire() as conn, conn.transaction():
        # Holds the lock of the tenant's row: no other transaction can write for this tenant.
        await conn.execute("insert into tenant_revisions (tenant) values ($1)", tether.tenant)
        calls = [asyncio.create_task(tether.tell(event)) for event in (LAMP, LIGHT)]
        while not await conn.fetchval("select count(*) from pg_locks where not granted"):
            await asyncio.sleep(0.01)
        for task in asyncio.all_tasks():
            if task.get_name() == f"recorder-{tether.tenant}":
                task.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["the recorder was stopped"] * 2
    await tether.tell(LAMP, LIGHT)
    await tether.holds([LAMP, LIGHT])
