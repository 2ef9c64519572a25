"""Several moves of one team, cancelled moves, and moves at the same time as deletions of events."""

from itertools import permutations
from typing import Any

import pytest

from errors import Conflict
from facts.correlation import encode_operation
from messages.operation_reasons import describe_operation
from store.operations import operations
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.scenario import Scenario
from tests.workflows.move.test_moves import wait_until_at_rest

pytestmark = pytest.mark.stack


async def test_later_move_supersedes_one_that_was_not_requested_yet(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "c")
    await scenario.create_teams("a", "t")
    first = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b")
    second = await scenario.request_move("t", "c")
    row = await harness.wait_for_operation(first, "superseded")
    assert (row.ended_because, row.end_details) == ("superseded", {"operation": second})
    await harness.wait_for_operation(second, "done")
    await scenario.create_events("b")
    assert await harness.links("event_team") == {"t": "c"}
    await wait_until_at_rest(scenario, "t")


async def test_later_move_waits_for_one_that_was_requested(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b", "c")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    first = await scenario.request_move("t", "b")
    moved = await scenario.relay.take("TeamMoved", "t")
    second = await scenario.request_move("t", "c")
    third = await scenario.request_move("t", "a")
    await harness.wait_for_operation(second, "superseded")
    assert [(await harness.operation(id)).state for id in (first, third)] == ["requested", "waiting"]
    assert len(scenario.transport.requests) == 1
    scenario.relay.holding.clear()
    await harness.record(moved)
    await harness.wait_for_operation(first, "done")
    row = await harness.wait_for_operation(third, "done")
    assert row.former_parent == "b"
    assert [event for event, _, _ in await scenario.link_versions("t")] == ["a", "b", "a"]
    await wait_until_at_rest(scenario, "t")


async def test_moves_there_back_and_there_again_have_three_effects(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    for to in ("b", "a", "b"):
        await harness.wait_for_operation(await scenario.request_move("t", to), "done")
    assert list((await scenario.commands("teams")).values()) == [(1, 1)] * 3
    assert [event for event, _, _ in await scenario.link_versions("t")] == ["a", "b", "a", "b"]
    await wait_until_at_rest(scenario, "t")


async def test_same_idempotency_key_is_the_same_move(scenario: Scenario) -> None:
    first = await scenario.request_move("t", "b", "k")
    assert await scenario.request_move("t", "b", "k") == first
    assert await scenario.harness.count_rows("outbox") == 1
    with pytest.raises(Conflict):
        await scenario.request_move("t", "c", "k")


async def test_move_is_confirmed_by_its_fact_even_after_a_newer_one(running_scenario: Scenario) -> None:
    """The fact no longer changes the link; its correlation id still confirms the move."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b", "c")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    id = await scenario.request_move("t", "b")
    ours = await scenario.relay.take("TeamMoved", "t")
    await scenario.request_owner("teams", "POST", "/teams/t/moves", event_id="c")
    newer = await scenario.relay.take("TeamMoved", "t")
    await harness.record(newer)
    assert await harness.links("event_team") == {"t": "c"}
    assert (await harness.operation(id)).state == "requested"
    await harness.record(ours)
    row = await harness.wait_for_operation(id, "done")
    assert row.confirmed_by == ours["id"]
    assert [event for event, _, _ in await scenario.link_versions("t")] == ["a", "c"]
    await wait_until_at_rest(scenario, "t")


@pytest.mark.parametrize(
    ("type", "subject", "data"),
    [
        ("CategoryAdded", "t", {"name": "t"}),
        ("TeamCreated", "other", {"name": "other", "event_id": "b"}),
        ("TeamRenamed", "t", {"name": "renamed"}),
    ],
)
async def test_move_is_not_confirmed_by_an_unrelated_fact_with_its_id(
    running_scenario: Scenario, type: str, subject: str, data: dict[str, Any]
) -> None:
    """An owner may copy a correlation id into any fact."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    id = await scenario.request_move("t", "b")
    moved = await scenario.relay.take("TeamMoved", "t")
    await harness.wait_for_operation(id, "requested")
    await harness.record(event(type, subject, 2, correlation=encode_operation(id), **data))
    row = await harness.operation(id)
    assert (row.state, row.confirmed_by) == ("requested", None)
    await harness.record(moved)
    row = await harness.wait_for_operation(id, "done")
    assert row.confirmed_by == moved["id"]
    await wait_until_at_rest(scenario, "t")


async def test_move_cancelled_before_its_request_sends_none(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b")
    await operations.cancel(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "cancelled")
    assert describe_operation(row) == ""
    await scenario.create_events("b")
    assert scenario.transport.requests == []
    assert await harness.links("event_team") == {"t": "a"}
    await wait_until_at_rest(scenario, "t")


async def test_move_cancelled_after_its_request_may_still_happen(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    id = await scenario.request_move("t", "b")
    moved = await scenario.relay.take("TeamMoved", "t")
    await operations.cancel(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "cancelled")
    assert (row.ended_because, row.owner_may_still_act) == (None, True)
    await harness.wait_for_workflow_end(scenario.move_subject("t"))
    await harness.record(moved)
    assert await harness.links("event_team") == {"t": "b"}


async def test_ended_operation_cannot_be_cancelled(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("b")
    await scenario.create_teams("b", "t")
    id = await scenario.request_move("t", "b")
    await harness.wait_for_operation(id, "done")
    with pytest.raises(Conflict, match=f"operation {id} has ended already: it is done"):
        await operations.cancel(harness.pool, harness.tenant, id)


@pytest.mark.parametrize("deleted", ["a", "b", "ab"])
async def test_move_and_event_deletions_in_any_order_have_the_same_result(
    running_scenario: Scenario, deleted: str
) -> None:
    """A team is deleted if the event that it ended up in is deleted."""
    scenario, harness = running_scenario, running_scenario.harness
    for number, order in enumerate(permutations(range(1 + len(deleted)))):
        team, events = f"t{number}", {name: f"{name}{number}" for name in "ab"}
        await scenario.create_events(*events.values())
        await scenario.create_teams(events["a"], team)
        scenario.relay.holding = {"events", "teams"}
        id = await scenario.request_move(team, events["b"])
        facts = [await scenario.relay.take("TeamMoved", team)]
        for name in deleted:
            await scenario.request_owner("events", "DELETE", f"/events/{events[name]}")
            facts.append(await scenario.relay.take("EventDeleted", events[name]))
        for index in order:
            await harness.record(facts[index])
        await scenario.relay.release()
        await harness.wait_for_operation(id, "done")
        if "b" in deleted:
            await scenario.wait_for_entities("team", [team], "deleted")
        await wait_until_at_rest(scenario, team)

        async def nothing_runs() -> bool:
            ends = [scenario.cascade_subject(event) for event in events.values()]  # noqa: B023 (awaited in the same round)
            return not any([await harness.starter.runs(end) for end in ends])

        await eventually(nothing_runs)
        there = (await scenario.teams_at_owner()).get(team)
        assert there == (None if "b" in deleted else events["b"]), order
        assert (await harness.links("event_team")).get(team) == there, order
        begins = {begin for _, begin, _ in await scenario.link_versions(team)}
        assert len(begins) == 2, "the team was in one event at a time, and in none but at the end"
    orders = 6 if deleted == "ab" else 2
    assert await scenario.effects("teams") == orders * (2 if "b" in deleted else 1)
