"""Repeated facts have no effect, contradicting ones are refused, and a bad fact does not stop others."""

import asyncio
from typing import Any

import orjson
import pytest

from store.write.recording import CONFLICT
from tests.support.events import event
from tests.support.locks import until_blocked
from tests.support.tenants import StoreTenant, recorded_entry

LAMP = event("ItemAdded", "lamp", 1, name="Lamp", category="light")
LIGHT = event("CategoryAdded", "light", 1, name="Light")


async def quarantined(tenant: StoreTenant) -> list[dict[str, Any]]:
    rows = await tenant.pool.fetch("select event_id, reason, raw, times from quarantine order by id")
    return [{**row, "raw": orjson.loads(row["raw"])} for row in rows]


async def revision(tenant: StoreTenant) -> int:
    return int(await tenant.pool.fetchval("select revision from tenant_revisions where tenant = $1", tenant.name) or 0)


async def test_repeated_fact_is_counted_and_has_no_effect(tenant: StoreTenant) -> None:
    first = await tenant.record(LAMP, LAMP, LIGHT)
    assert (first.accepted, first.duplicates, first.revision) == (2, 1, 1)
    again = await tenant.record(LAMP, {**LAMP, "traceparent": "00-1"}, LIGHT)
    assert (again.accepted, again.duplicates, again.revision) == (0, 3, 1)
    assert await quarantined(tenant) == []
    await tenant.assert_holds([LAMP, LIGHT])


@pytest.mark.parametrize("together", [True, False])
async def test_other_body_under_same_id_is_refused_and_first_stays(tenant: StoreTenant, together: bool) -> None:
    forged = {**LAMP, "data": {"name": "Forged", "category": "light"}}
    reason = f"{CONFLICT}. This one differs in data.name"
    if together:
        answer = await tenant.record(LAMP, LIGHT, forged)
        assert (answer.accepted, answer.refused) == (2, {2: reason})
    else:
        await tenant.record(LAMP, LIGHT)
        answer = await tenant.record(forged, LAMP)
        assert (answer.accepted, answer.duplicates, answer.refused) == (0, 1, {0: reason})
    (kept,) = await quarantined(tenant)
    assert (kept["event_id"], kept["reason"], kept["raw"]["data"]) == (LAMP["id"], reason, forged["data"])
    await tenant.record(forged)
    assert [kept["times"] for kept in await quarantined(tenant)] == [2]
    await tenant.assert_holds([LAMP, LIGHT])


@pytest.mark.parametrize(
    ("other", "named"),
    [({"sequence": "2"}, "sequence"), ({"subject": "lamb"}, "subject"), ({"type": "ItemUpdated.v1"}, "type")],
)
async def test_other_attribute_is_another_body(tenant: StoreTenant, other: dict[str, str], named: str) -> None:
    await tenant.record(LAMP)
    assert (await tenant.record({**LAMP, **other})).refused == {0: f"{CONFLICT}. This one differs in {named}"}
    await tenant.assert_holds([LAMP])


@pytest.mark.parametrize("sequence", [None, "1"])
async def test_first_time_stands_when_a_retry_has_another(tenant: StoreTenant, sequence: str | None) -> None:
    first = event("ItemAdded", "lamp", sequence, time="2026-01-01T00:00:00Z", name="Lamp")
    await tenant.record(first)
    for time in ("2026-01-01T00:00:05Z", None):
        answer = await tenant.record(event("ItemAdded", "lamp", sequence, time=time, name="Lamp"))
        assert (answer.accepted, answer.duplicates, answer.refused) == (0, 1, {})
    await tenant.assert_holds([first])


@pytest.mark.parametrize(
    ("first", "second"), [("1.0", "1"), ("1e2", "100"), ("-0.0", "0"), ('{"a":1,"b":2}', '{"b":2.0,"a":1}')]
)
async def test_other_spelling_is_a_duplicate(tenant: StoreTenant, first: str, second: str) -> None:
    one, other = (event("ItemAdded", "lamp", 1, name="Lamp", extra=orjson.loads(text)) for text in (first, second))
    await tenant.record(one)
    assert (await tenant.record(other, one)).duplicates == 2
    assert (await tenant.other_tenant().record(other, one)).duplicates == 1


async def test_fact_recorded_by_an_earlier_version_is_compared_by_meaning(tenant: StoreTenant) -> None:
    """Its digest was made of other attributes, and its data was spelled as it was sent."""
    fact = event("ItemAdded", "lamp", 1, time="2026-01-01T00:00:00Z", name="Lamp", watts=5)
    await tenant.record(fact, LIGHT)
    await tenant.pool.execute(
        'update facts set digest = \'\\x00\', data = \'{"watts":5.0,"name":"Lamp"}\''
        " where tenant = $1 and key = 'lamp'",
        tenant.name,
    )
    answer = await tenant.record(fact, {**fact, "time": "2026-01-02T00:00:00Z"}, LIGHT)
    assert (answer.accepted, answer.duplicates, answer.refused) == (0, 3, {})
    forged = {**fact, "data": {"name": "Lamp", "watts": 6}}
    answer = await tenant.record(forged, fact)
    assert (answer.duplicates, answer.refused) == (1, {0: f"{CONFLICT}. This one differs in data.watts"})


async def test_same_id_of_other_source_or_tenant_is_another_fact(tenant: StoreTenant) -> None:
    elsewhere = {**LAMP, "source": "/elsewhere", "sequence": "2", "data": {"name": "Other"}}
    assert (await tenant.record(LAMP, elsewhere)).accepted == 2
    assert (await tenant.other_tenant().record(LAMP)).accepted == 1
    await tenant.assert_holds([LAMP, elsewhere])


async def test_fact_without_a_change_is_kept_and_opens_no_revision(tenant: StoreTenant) -> None:
    await tenant.record(LAMP, LIGHT)
    idle = [
        event("ItemUpdated", "lamp", 2, name="Lamp"),
        event("ItemUpdated", "lamp", 0, name="an older name"),
        event("CategoryRemoved", "light", 0),  # a deletion before the current incarnation
    ]
    for idle_event in idle:
        answer = await tenant.record(idle_event)
        assert (answer.accepted, answer.revision) == (1, 1)
    assert await tenant.pool.fetchval("select count(*) from facts where revision = 1") == 5
    assert await tenant.pool.fetchval("select count(*) from revisions") == 1
    await tenant.assert_holds([LAMP, LIGHT, *idle])


@pytest.mark.parametrize(("was", "becomes"), [(1, True), (0, False), ([0], [False]), (1, "1"), (2**53, 2**53 + 1)])
async def test_values_equal_in_python_but_not_in_json_are_a_change(tenant: StoreTenant, was: Any, becomes: Any) -> None:
    before = await tenant.record(event("ItemAdded", "lamp", 1, name="Lamp", bright=was))
    lines = await tenant.lines()
    after = await tenant.record(event("ItemUpdated", "lamp", 2, bright=becomes))
    assert after.revision == before.revision + 1
    assert await tenant.lines(before.revision) == lines != await tenant.lines()


@pytest.mark.parametrize(("was", "becomes"), [(1, 1.0), (0.0, -0.0), ([100], [1e2])])
async def test_other_spelling_of_a_number_is_no_change(tenant: StoreTenant, was: Any, becomes: Any) -> None:
    facts = [event("ItemAdded", "lamp", 1, name="Lamp", bright=was), event("ItemUpdated", "lamp", 2, bright=becomes)]
    before = await tenant.record(facts[0])
    lines = await tenant.lines()
    assert (await tenant.record(facts[1])).revision == before.revision
    assert await tenant.lines() == lines
    await tenant.assert_holds(facts)


async def test_number_that_an_earlier_version_spelled_otherwise_is_no_change(tenant: StoreTenant) -> None:
    before = await tenant.record(event("ItemAdded", "lamp", 1, name="Lamp", bright=1))
    await tenant.pool.execute(
        """update entities set data = '{"name":"Lamp","bright":1.0}' where tenant = $1 and key = 'lamp'""", tenant.name
    )
    assert (await tenant.record(event("ItemUpdated", "lamp", 2, bright=1))).revision == before.revision


def unstorable(tenant: StoreTenant, key: str) -> Any:
    """Returns an entry that is valid and cannot be stored by PostgreSQL."""
    return recorded_entry(tenant.catalog, event("ItemAdded", "poison", 1, name="Poison"))._replace(key=key)


POISON = {"a NUL": "\x00", "too long for an index": "".join(chr(0x10000 + n * 7919 % 0xFFFF) for n in range(1024))}


@pytest.mark.parametrize("key", POISON.values(), ids=POISON)
async def test_fact_that_cannot_be_stored_does_not_stop_its_batch(tenant: StoreTenant, key: str) -> None:
    good = [event("ItemAdded", f"lamp-{n}", 1, name="Lamp", category="light") for n in range(9)]
    batch = [*(recorded_entry(tenant.catalog, event) for event in good[:5]), unstorable(tenant, key)]
    batch += [recorded_entry(tenant.catalog, event) for event in good[5:]]
    answer = await tenant.recorder.record(tenant.name, batch, actor="test")
    assert (answer.accepted, answer.duplicates, list(answer.refused)) == (9, 0, [5])
    assert answer.refused[5].startswith("cannot be stored: ")
    assert [kept["event_id"] for kept in await quarantined(tenant)] == [batch[5].id]
    assert answer.revision == await revision(tenant)
    await tenant.assert_holds(good)


async def test_time_beyond_the_calendar_is_quarantined(tenant: StoreTenant) -> None:
    beyond = recorded_entry(tenant.catalog, LAMP)._replace(time=2**68)
    answer = await tenant.recorder.record(tenant.name, [beyond, recorded_entry(tenant.catalog, LIGHT)], actor="test")
    assert (answer.accepted, list(answer.refused)) == (1, [0])
    await tenant.assert_holds([LIGHT])


async def test_fact_that_cannot_be_stored_does_not_stop_other_callers(tenant: StoreTenant) -> None:
    good = [event("ItemAdded", f"lamp-{n}", 1, name="Lamp", category="light") for n in range(8)]
    calls = [[recorded_entry(tenant.catalog, event)] for event in good]
    calls.insert(4, [unstorable(tenant, "\x00")])
    answers = await asyncio.gather(*(tenant.recorder.record(tenant.name, call, actor="test") for call in calls))
    assert [(answer.accepted, list(answer.refused)) for answer in answers] == [
        *[(1, [])] * 4,
        (0, [0]),
        *[(1, [])] * 4,
    ]
    await tenant.assert_holds(good)


async def test_unexpected_error_fails_one_caller_of_a_group(tenant: StoreTenant) -> None:
    wrong = recorded_entry(tenant.catalog, event("ItemAdded", "wrong", 1, name="Wrong"))._replace(names=((),))  # type: ignore[arg-type]
    calls = [[recorded_entry(tenant.catalog, LIGHT)], [wrong], [recorded_entry(tenant.catalog, LAMP)]]
    answers = await asyncio.gather(
        *(tenant.recorder.record(tenant.name, call, actor="test") for call in calls), return_exceptions=True
    )
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]
    await tenant.assert_holds([LIGHT, LAMP])


async def test_stopped_recorder_answers_waiting_callers(tenant: StoreTenant) -> None:
    async with tenant.pool.acquire() as conn, conn.transaction():
        # Holds the lock of the tenant's row: no other transaction can write for this tenant.
        await conn.execute("insert into tenant_revisions (tenant) values ($1)", tenant.name)
        calls = [asyncio.create_task(tenant.record(event)) for event in (LAMP, LIGHT)]
        await until_blocked(conn)
        for task in asyncio.all_tasks():
            if task.get_name() == f"recorder-{tenant.name}":
                task.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["the recorder was stopped"] * 2
    await tenant.record(LAMP, LIGHT)
    await tenant.assert_holds([LAMP, LIGHT])
