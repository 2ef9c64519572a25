"""Redrives: each event of a run leaves the quarantine once, in the order of arrival, with the recording of its fact."""

import asyncio
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.registry import OWN_SOURCE
from store.db.pool import Pool
from store.quarantine import runs
from store.quarantine.listings import EventFilter
from tests.support.events import Event, event
from tests.support.redriving import Redrives
from tests.support.strategies import histories
from tests.support.tenants import StoreTenant, in_a_database

GROUPS = [event("GroupCreated", f"g{n}", 1, name=f"g{n}") for n in range(7)]


def ids(events: list[Event]) -> list[str]:
    return [one["id"] for one in events]


@pytest.mark.parametrize("size", [1, 3, 500])
async def test_facts_are_recorded_in_the_order_of_their_arrival(redrives: Redrives, size: int) -> None:
    await redrives.quarantine(*GROUPS)
    run = await redrives.run(size=size)
    assert (run.state, run.total, run.accepted, run.refused) == ("done", 7, 7, 0)
    assert await redrives.ledger() == ids(GROUPS)
    assert await redrives.outcomes(run) == [(one["id"], "accepted") for one in GROUPS]
    assert await redrives.left() == []


async def test_what_comes_after_the_plan_is_not_touched(redrives: Redrives) -> None:
    await redrives.quarantine(*GROUPS[:3])
    run = await redrives.request()
    await redrives.quarantine(*GROUPS[3:])
    assert (await redrives.finish(run)).accepted == 3
    assert [id for id, *_ in await redrives.left()] == ids(GROUPS[3:])


async def test_only_events_of_the_filter_leave(redrives: Redrives) -> None:
    await redrives.quarantine(*GROUPS, event("ItemAdded", "i", 1, name="i"))
    run = await redrives.run(wanted=EventFilter(type="ItemAdded.v1"))
    assert (run.total, await redrives.ledger()) == (1, ["ItemAdded/i/1"])
    by_id = await redrives.tenant.pool.fetchval("select id from quarantine where event_id = $1", GROUPS[5]["id"])
    assert await redrives.outcomes(await redrives.run(event=by_id)) == [(GROUPS[5]["id"], "accepted")]


async def test_each_outcome_is_that_of_a_delivery(redrives: Redrives) -> None:
    first, *_ = GROUPS
    await redrives.tenant.record(first, event("GroupRenamed", "g1", 9, name="new"))
    other = {**first, "data": {"name": "another"}}
    bad = event("GroupCreated", "g8", 1, name=8)
    stale = event("GroupRenamed", "g1", 3, name="old")
    await redrives.quarantine(first, other, bad, stale, GROUPS[2], {**GROUPS[2], "time": "2020-01-01T00:00:00Z"})
    run = await redrives.run()
    assert [outcome for _, outcome in await redrives.outcomes(run)] == [
        *("duplicate", "refused", "refused", "stale", "accepted", "duplicate"),
    ]
    assert (run.accepted, run.stale, run.duplicates, run.refused) == (2, 1, 2, 2)
    assert await redrives.left() == [(first["id"], "conflict", "data"), (bad["id"], "field_invalid", "name")]


async def test_equal_events_that_are_refused_for_the_same_reason_become_one(redrives: Redrives) -> None:
    bad = event("GroupCreated", "g", 1, name=8)
    await redrives.quarantine(bad)
    await redrives.run()
    await redrives.quarantine(bad)  # as by a process with the earlier catalog
    await redrives.quarantine(bad)
    run = await redrives.run()
    assert run.refused == 2
    assert await redrives.left() == [(bad["id"], "field_invalid", "name")]
    assert await redrives.tenant.pool.fetchval("select times from quarantine") == 3


@pytest.mark.parametrize("publisher", ["channels", "gone"])
async def test_a_key_cannot_publish_by_way_of_the_quarantine(redrives: Redrives, publisher: str) -> None:
    await redrives.quarantine(GROUPS[0], publisher=publisher)
    assert (await redrives.run()).refused == 1
    assert await redrives.left() == [(GROUPS[0]["id"], "not_publishable", "source")]
    await redrives.quarantine(GROUPS[1], publisher="groups")
    assert await redrives.outcomes(await redrives.run(wanted=EventFilter(code="unknown_type"))) == [
        (GROUPS[1]["id"], "accepted")
    ]


async def test_fact_that_cannot_be_stored_stays_and_stops_no_other(redrives: Redrives) -> None:
    poison = "".join(chr(0x10000 + n * 7919 % 0xFFFF) for n in range(127))
    long = event("GroupRenamed", "g3", 2, name="x", id=poison * 2)
    await redrives.quarantine(*GROUPS[:4], long, *GROUPS[4:])
    await redrives.run()
    assert sorted(await redrives.ledger()) == sorted([*ids(GROUPS), *([] if await redrives.left() else [long["id"]])])


async def test_cancelled_run_processes_no_further_events(redrives: Redrives) -> None:
    await redrives.quarantine(*GROUPS)
    run = await redrives.request()
    await redrives.redriver.step(redrives.tenant.name, run.id, 2)
    cancelled = await runs.cancel(redrives.tenant.pool, redrives.tenant.name, "redrive", run.id)
    assert (cancelled.state, cancelled.accepted) == ("cancelled", 2)
    assert await redrives.finish(run) == cancelled
    assert [id for id, *_ in await redrives.left()] == ids(GROUPS[2:])


async def test_discarded_events_leave_without_a_trace_in_the_state(redrives: Redrives) -> None:
    await redrives.quarantine(*GROUPS)
    run = await redrives.run("discard", size=3)
    assert (run.state, run.discarded, run.total) == ("done", 7, 7)
    assert (await redrives.left(), await redrives.ledger()) == ([], [])


async def test_attempts_at_the_same_time_process_each_event_once(redrives: Redrives) -> None:
    await redrives.quarantine(*GROUPS)
    run = await redrives.request()
    await asyncio.gather(*(redrives.finish(run, size=2) for _ in range(4)))
    done = await redrives.find(run)
    assert (done.accepted, done.duplicates, sorted(await redrives.ledger())) == (7, 0, sorted(ids(GROUPS)))


async def test_what_is_erased_while_it_is_redriven_is_not_recorded(redrives: Redrives) -> None:
    await redrives.quarantine(*GROUPS[:2])
    await redrives.tenant.pool.execute(
        "update quarantine set raw = '', code = 'erased' where event_id = $1", GROUPS[0]["id"]
    )
    run = await redrives.run()
    assert [outcome for _, outcome in await redrives.outcomes(run)] == ["refused", "accepted"]
    assert await redrives.ledger() == [GROUPS[1]["id"]]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("transactions", [1, 3])
async def test_killed_run_goes_on_and_processes_each_event_once(
    redrives: Redrives, database_url: str, transactions: int, when: str
) -> None:
    await redrives.quarantine(*GROUPS)
    run = await redrives.request()
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.killed_redriver", database_url, redrives.tenant.name, run.id, "2"),
        *(str(transactions), when),
    )
    assert await killed.wait() == 9
    assert (await redrives.find(run)).accepted == 2 * (transactions - (when == "before"))
    done = await redrives.finish(run)
    assert (done.accepted, done.duplicates, await redrives.ledger()) == (7, 0, ids(GROUPS))


@in_a_database
@given(events=histories(), data=st.data())
async def test_state_is_that_of_never_having_been_quarantined(
    tenant: StoreTenant, events: list[Event], data: st.DataObject
) -> None:
    redrives = Redrives(tenant.other_tenant())
    late = [one["source"] != OWN_SOURCE and data.draw(st.booleans()) for one in events]
    await redrives.quarantine(*(one for one, held in zip(events, late, strict=True) if held))
    for one, held in zip(events, late, strict=True):
        if not held:
            await redrives.tenant.record(one)
    await redrives.run(size=data.draw(st.integers(1, 9)))
    assert await redrives.left() == []
    arrived = {one["id"]: one for one in reversed(events)}
    await redrives.tenant.assert_holds([arrived[id] for id in await redrives.ledger()])
    assert len(await redrives.ledger()) == len(arrived)


async def test_newest_event_of_an_earlier_version_is_redriven_by_its_source(redrives: Redrives, pool: Pool) -> None:
    await redrives.quarantine(GROUPS[0], {**GROUPS[1], "source": "/elsewhere"})
    await pool.execute("update quarantine set publisher = null")
    run = await redrives.run()
    assert [outcome for _, outcome in await redrives.outcomes(run)] == ["accepted", "refused"]
