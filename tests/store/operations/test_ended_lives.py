"""Children of an event that is deleted and created again: which of them are requested, whatever happens when."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.relationship import FINISH, STOP, OnRecreated
from store.operations import cascades, deletions, listings, voids
from tests.support.ended_life_play import STEPS, TEAMS, Play, catalog
from tests.support.events import event
from tests.support.sampling import examples
from tests.support.tenants import StoreTenant, in_a_database

histories = st.lists(st.sampled_from(STEPS), max_size=14)


@pytest.mark.parametrize(("policy", "seconds"), [(FINISH, 60), (STOP, -3600)], ids=["finish", "stop in an hour"])
@settings(in_a_database, max_examples=examples(8))
@given(steps=histories, at_once=st.booleans())
async def test_all_children_of_the_ended_life_are_requested_and_no_others(
    tenant: StoreTenant, policy: OnRecreated, seconds: int, steps: list[str], at_once: bool
) -> None:
    play = Play(replace(tenant.other_tenant(), catalog=catalog(policy)), seconds)
    await play.begin(at_once=at_once)
    for step in steps:
        await play.take(step)
    await play.recreate()
    row = await play.finish()
    assert play.wrong == []
    assert play.old == set()
    assert await play.live() == play.new
    if row is not None:
        assert (row.state, row.requested, row.confirmed, row.parked) == ("done", len(play.sent), len(play.sent), 0)
        assert row.found == row.confirmed + row.skipped


@settings(in_a_database, max_examples=examples(8))
@given(steps=histories, at_once=st.booleans())
async def test_no_child_is_requested_after_the_second_and_the_rest_is_counted(
    tenant: StoreTenant, steps: list[str], at_once: bool
) -> None:
    play = Play(replace(tenant.other_tenant(), catalog=catalog(STOP)), 60)
    await play.begin(at_once=at_once)
    for step in steps:
        await play.take(step)
    await play.recreate()
    row = await play.finish()
    assert play.wrong == []
    assert await play.live() == play.new | play.old
    if row is None:
        assert not play.sent
        assert not play.old
        return
    assert (row.state, row.requested, row.confirmed) == ("done", len(play.sent), len(play.sent))
    listed, _ = await listings.children_page(*play.at[::2], row.id, "skipped", None, 100)
    kept = {child.child for child in listed if child.skip_reason == "parent_recreated"}
    assert play.old <= kept  # others of them were named again, or left, after they had been skipped
    assert kept.isdisjoint(play.sent)
    assert row.ended_because == ("recreated_during_cascade" if kept else None)
    assert not kept or (row.end_details or {}).get("skipped") == len(kept)


@pytest.mark.parametrize("requested", [False, True])
async def test_sweep_that_begins_too_late_requests_nothing_and_counts_all_children(
    tenant: StoreTenant, requested: bool
) -> None:
    play = Play(replace(tenant, catalog=catalog(STOP)), 60)
    await tenant.record(event("EventCreated", "e", 1, name="e"))
    await tenant.record(*(event("TeamCreated", team, 1, name=team, event_id="e") for team in TEAMS))
    if requested:
        await deletions.start(*play.at, "event", "e", actor="test", idempotency_key=None)
        await play.look()
    await tenant.record(event("EventDeleted", "e", 2), event("EventCreated", "e", 3, name="again"))
    await play._created_again()
    status = await cascades.advance(*play.at, "event", "e")
    assert (status.operation, status.newer) == (None, False)
    row = await play.operation(None)
    assert row is not None
    assert (row.kind, row.state) == ("delete" if requested else "cascade", "done")
    assert (row.requested, row.skipped, row.ended_because) == (0, len(TEAMS), "recreated_during_cascade")


async def test_next_deletion_takes_over_the_children_of_the_life_before(tenant: StoreTenant) -> None:
    play = Play(replace(tenant, catalog=catalog(FINISH)), 60)
    await play.begin(at_once=True)
    await play.look()
    first = await play.operation()
    assert first is not None
    second = await deletions.start(*play.at, "event", "e", actor="test", idempotency_key=None)
    status = await cascades.advance(*play.at, "event", "e")
    assert status.deletion is not None
    assert status.operation is not None
    assert (status.deletion.id, status.operation.id, status.to_request) == (second.id, first.id, ("event_team",))
    await tenant.record(event("EventDeleted", "e", 4))
    status = await cascades.advance(*play.at, "event", "e")
    assert status.operation is not None
    assert (status.deletion, status.operation.id, status.to_request) == (None, second.id, ("event_team",))
    ended = await play.operation()
    assert ended is not None
    assert (ended.state, ended.ended_because) == ("done", "deleted_again")


@pytest.mark.parametrize("policy", [FINISH, STOP])
async def test_void_creation_begins_no_life(tenant: StoreTenant, policy: OnRecreated) -> None:
    play = Play(replace(tenant, catalog=catalog(policy)), 60)
    mistake = event("EventCreated", "e", 3, name="mistake")
    await tenant.record(event("EventCreated", "e", 1, name="e"), event("EventDeleted", "e", 2))
    await tenant.record(event("TeamCreated", "before", 1, name="before", event_id="e"), mistake)
    await play._shift()
    await voids.void(*play.at, "event", "e", mistake["source"], mistake["id"], "a mistake", "test")
    await tenant.record(event("TeamCreated", "between", 1, name="between", event_id="e"))
    await tenant.record(event("EventCreated", "e", 4, name="again"))
    await tenant.record(event("TeamCreated", "after", 1, name="after", event_id="e"))
    await play.look()
    await play.read()
    assert play.page is not None
    assert [candidate.child.key for candidate in play.page.candidates] == ["before", "between"]


async def test_nothing_follows_for_children_from_a_deletion_of_an_earlier_life(tenant: StoreTenant) -> None:
    play = Play(replace(tenant, catalog=catalog(FINISH)), 60)
    teams = [event("TeamCreated", team, 1, name=team, event_id="e") for team in TEAMS]
    await tenant.record(*teams)
    await tenant.record(event("EventCreated", "e", 3, name="e"))
    await tenant.record(event("EventDeleted", "e", 2))
    assert await play.tenant.pool.fetchval("select count(*) from outbox where workflow = 'cascade'") == 0
    await play.look()
    assert await play.operation() is None
    assert await play.live() == set(TEAMS)


@pytest.mark.parametrize(("second", "of_new_life"), [(9, False), (10, False), (11, True), (None, False)])
async def test_child_named_after_the_creation_by_time_is_of_the_new_life(
    tenant: StoreTenant, second: int | None, of_new_life: bool
) -> None:
    """Its fact has overtaken that of the creation, which another owner has published."""
    play = Play(replace(tenant, catalog=catalog(FINISH)), 60)
    times = [f"2026-01-01T10:00:{n:02}.5Z" for n in (0, 1, 5, 10)]
    time = None if second is None else f"2026-01-01T10:00:{second:02}.5Z"
    await tenant.record(event("EventCreated", "e", 1, time=times[0], name="e"))
    await tenant.record(event("TeamCreated", "old", 1, time=times[1], name="old", event_id="e"))
    await tenant.record(event("EventDeleted", "e", 2, time=times[2]))
    await tenant.record(event("TeamCreated", "new", 1, time=time, name="new", event_id="e"))
    await tenant.record(event("EventCreated", "e", 3, time=times[3], name="e"))
    await play.look()
    await play.read()
    assert play.page is not None
    assert [candidate.child.key for candidate in play.page.candidates] == (["old"] if of_new_life else ["new", "old"])
