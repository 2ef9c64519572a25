"""Facts that are older than what is known, or claim to be far newer: recorded or refused, and never in silence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.write.recorder import Recorder
from store.write.recording import Recorded
from tests.support.events import Event, event
from tests.support.strategies import deliver, histories
from tests.support.tenants import StoreTenant, in_a_database, recorded_entry


def changed(sequence: int | str | None, id: str | None = None, time: str | None = None) -> Event:
    return event("ItemUpdated", "i", sequence, id=id, time=time, category=id or str(sequence))


@in_a_database
@given(events=histories(), seed=st.integers(0, 2**32))
async def test_stale_facts_are_those_after_which_a_newer_one_was_known(
    tenant: StoreTenant, events: list[Event], seed: int
) -> None:
    one = tenant.other_tenant()
    counted = 0
    for one_event in deliver(seed, events):
        counted += (await one.record(one_event)).stale
    rows = await one.pool.fetch(
        "select kind, key, order_key from facts where tenant = $1 order by position", one.name
    )  # fmt: skip
    newest: dict[tuple[str, str], bytes] = {}
    expected = 0
    for kind, key, order in rows:
        expected += order < newest.get((kind, key), b"")
        newest[kind, key] = max(order, newest.get((kind, key), b""))
    assert counted == expected


async def test_each_fact_of_a_batch_is_compared_with_those_before_it(tenant: StoreTenant) -> None:
    answer = await tenant.record(changed(3), changed(1), changed(2), changed(4))
    assert (answer.accepted, answer.stale) == (4, 2)
    assert (await tenant.record(changed(3), changed(1))).stale == 0  # duplicates


@pytest.mark.parametrize(
    ("known", "late", "warning"),
    [
        (
            [changed(7)],
            changed(None, "z", "2026-02-01T00:00:00Z"),
            "has no sequence, and the newest known fact has '7'",
        ),
        ([event("ItemRemoved", "i", 3)], event("ItemAdded", "i", 1, name="i"), "declare on_sequence_restart"),
        ([changed(7)], changed(9_000_000_000), "jumps from 7 to 9000000000"),
        ([event("ItemRemoved", "i", 3)], changed(4), "changes item i, which is deleted"),
    ],
)
async def test_what_looks_like_a_mistake_is_a_warning(
    tenant: StoreTenant, known: list[Event], late: Event, warning: str
) -> None:
    await tenant.record(*known)
    answer = await tenant.record(event("CategoryAdded", "k", 1, name="k"), late)
    assert list(answer.warnings) == [1]
    assert warning in answer.warnings[1]


@pytest.mark.parametrize(("before", "after"), [(1, 2), (9, 10), (99, 100_000), ("1700000000000", "1800000000000")])
async def test_sequences_that_grow_as_usual_are_no_warning(
    tenant: StoreTenant, before: int | str, after: int | str
) -> None:
    await tenant.record(changed(before))
    assert (await tenant.record(changed(after))).warnings == {}


def at(offset: timedelta) -> str:
    return (datetime.now(UTC) + offset).isoformat()


async def record_now(tenant: StoreTenant, *events: Event) -> Recorded:
    """Records events with the tolerance that applies outside of tests."""
    recorder = Recorder(tenant.pool, tenant.catalog)
    return await recorder.record(tenant.name, [recorded_entry(tenant.catalog, e) for e in events], actor="test")


@pytest.mark.parametrize("ahead", [timedelta(minutes=6), timedelta(days=365 * 70)])
async def test_time_in_the_future_that_would_decide_is_quarantined(tenant: StoreTenant, ahead: timedelta) -> None:
    good, late = changed(None, "good", at(timedelta())), changed(None, "later", at(timedelta(seconds=1)))
    answer = await record_now(tenant, good, changed(None, "future", at(ahead)), late)
    assert (answer.accepted, list(answer.refused)) == (2, [1])
    assert "ahead of Tether's clock" in answer.refused[1]
    assert b"link|category_item|i|later|waiting" in await tenant.lines()
    assert await tenant.pool.fetchval("select count(*) from quarantine") == 1
    await tenant.assert_holds([good, late])


async def test_time_within_the_tolerance_or_beside_a_sequence_is_recorded(tenant: StoreTenant) -> None:
    soon = changed(None, "soon", at(timedelta(minutes=4)))
    numbered = changed(1, "numbered", at(timedelta(days=400)))
    assert (await record_now(tenant, soon, numbered)).accepted == 2


async def test_fact_from_the_future_is_accepted_once_its_time_has_come(tenant: StoreTenant) -> None:
    fact = changed(None, "future", at(timedelta(minutes=6)))
    assert (await record_now(tenant, fact)).accepted == 0
    later = Recorder(tenant.pool, tenant.catalog, timedelta(minutes=7))
    assert (await later.record(tenant.name, [recorded_entry(tenant.catalog, fact)], actor="test")).accepted == 1


async def test_time_in_the_future_decides_where_sequences_begin_again(tenant: StoreTenant) -> None:
    future = event("TeamCreated", "t", 1, time=at(timedelta(days=365)), name="t")
    assert list((await record_now(tenant, future)).refused) == [0]
    assert (await record_now(tenant, event("EventCreated", "e", 1, time=at(timedelta(days=365)), name="e"))).accepted
