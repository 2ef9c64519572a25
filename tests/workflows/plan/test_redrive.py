"""Redriving parked children, and plans that detach or move children."""

from datetime import timedelta
from typing import Any

import pytest

from errors import Conflict
from messages.child_reasons import describe_child
from messages.operation_reasons import describe_operation
from store.operations import children_to_request, ended_life, listings, operations, plans
from store.operations.operation_row import OperationState
from store.operations.plans import PlanRequest
from tests.support.events import Event, event
from tests.support.eventually import eventually
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack


async def cascade(scenario: Scenario, state: OperationState) -> str:
    """Waits until the cascade is in this state; returns its id."""
    harness = scenario.harness

    async def begun() -> str:
        query = "select id from operations where tenant = $1 and kind = 'cascade'"
        return str(await harness.pool.fetchval(query, harness.tenant) or "")

    id: str = await eventually(begun)
    await harness.wait_for_operation(id, state)
    return id


async def test_redrive_requests_parked_children_with_another_idempotency_key(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "good", "poison")
    scenario.transport.refused = {"/teams/poison": (422, "not this one")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    await scenario.wait_for_entities("team", ["good"], "deleted")
    id = await cascade(scenario, "incomplete")
    row = await harness.operation(id)
    assert (row.found, row.confirmed, row.parked) == (2, 1, 1)
    refused = [
        key
        for key, sent in zip(scenario.transport.keys, scenario.transport.requests, strict=True)
        if "poison" in sent[2]
    ]

    scenario.transport.refused = {}
    await operations.redrive(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "done")
    assert (row.found, row.confirmed, row.parked) == (2, 2, 0)
    assert await scenario.teams_at_owner() == {}
    assert refused[0] not in await scenario.commands("teams")
    with pytest.raises(Conflict):
        await operations.redrive(harness.pool, harness.tenant, id)


async def test_plan_skips_a_child_that_was_recreated_since(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1", "t2")
    at = harness.pool, harness.catalog, harness.tenant
    plan = await plans.create(*at, PlanRequest("detach", relationship="event_team", parent="a"), "test")
    await scenario.request_owner("teams", "DELETE", "/teams/t1")
    await scenario.wait_for_entities("team", ["t1"], "deleted")
    await scenario.create_teams("a", "t1")
    begun = await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)
    row = await harness.wait_for_operation(begun.id, "done")
    assert (row.found, row.confirmed, row.skipped) == (2, 1, 1)
    assert await scenario.teams_at_owner() == {"t1": "a", "t2": None}


def team_fact(type: str, sequence: int, **data: Any) -> Event:
    """A fact about the team t1 from its owner."""
    return {**event(type, "t1", sequence, **data), "source": "/teams"}


@pytest.mark.parametrize("late", [False, True])
async def test_plan_skips_a_recreated_child_whose_link_was_not_rewritten(scenario: Scenario, late: bool) -> None:
    harness = scenario.harness
    await harness.record({**event("EventCreated", "a", 1, name="a"), "source": "/events"})
    await harness.record(team_fact("TeamCreated", 1, name="t", event_id="a"))
    at = harness.pool, harness.catalog, harness.tenant
    plan = await plans.create(*at, PlanRequest("detach", relationship="event_team", parent="a"), "test")
    batch = [team_fact("TeamDeleted", 2), team_fact("TeamCreated", 3, name="another", event_id="a")]
    for facts in [[fact] for fact in reversed(batch)] if late else [batch]:
        await harness.record(*facts)
    assert len(await scenario.link_versions("t1")) == 1
    begun = await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)
    work = await children_to_request.next_page(*at, begun.id, harness.relationship("event_team"), "", 10, repeat=False)
    assert (work is not None and work.candidates) == []


async def test_parked_child_that_is_deleted_anyway_completes_the_operation(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "good", "poison")
    scenario.transport.refused = {"/teams/poison": (422, "not this one")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    id = await cascade(scenario, "incomplete")
    await scenario.request_owner("teams", "DELETE", "/teams/poison")
    row = await harness.wait_for_operation(id, "done")
    assert (row.found, row.confirmed, row.parked, describe_operation(row)) == (2, 2, 0, "")


async def test_detach_plan_detaches_exactly_the_children_it_names(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t1", "t2", "t3")
    request = PlanRequest("detach", relationship="event_team", parent="A")
    plan = await plans.create(harness.pool, harness.catalog, harness.tenant, request, "test")
    assert [(part.children, part.command) for part in plan.parts] == [(3, "WithdrawTeam")]
    await scenario.request_owner("teams", "POST", "/teams/t3/moves", event_id="B")
    await scenario.create_teams("A", "new")
    row = await plans.execute(
        harness.pool,
        harness.catalog,
        harness.tenant,
        plan.id,
        include_appeared=False,
        actor="test",
        idempotency_key=None,
    )
    row = await harness.wait_for_operation(row.id, "done")
    assert (row.found, row.confirmed, row.skipped) == (3, 2, 1)
    assert await scenario.teams_at_owner() == {"t1": None, "t2": None, "t3": "B", "new": "A"}
    assert await harness.links("event_team") == {"t3": "B", "new": "A"}


async def test_move_plan_has_one_effect_per_child_when_responses_are_lost(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    teams = [f"t{n}" for n in range(30)]
    await scenario.create_teams("A", *teams)
    request = PlanRequest("move", relationship="event_team", parent="A", to="B")
    scenario.transport.lost["teams"] = 10
    row = await scenario.execute_plan(request)
    await harness.wait_for_operation(row.id, "done")
    assert await scenario.teams_at_owner() == dict.fromkeys(teams, "B")
    ours = (await scenario.commands("teams")).values()
    assert sum(effects for _, effects in ours) == 30
    assert max(effects for _, effects in ours) == 1
    assert (
        scenario.transport.lost["teams"] == 0
    )  # all ten responses were lost; some facts arrived before the next attempt


@pytest.mark.parametrize("lost_answers", [0, 1])
async def test_move_plan_skips_a_child_that_moved_and_came_back(running_scenario: Scenario, lost_answers: int) -> None:
    """Its move is requested once, even if the first response was lost."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t")
    scenario.relay.holding = {"teams"}
    scenario.transport.lost["teams"] = lost_answers
    request = PlanRequest("move", relationship="event_team", parent="A", to="B")
    row = await scenario.execute_plan(request)
    ours = await scenario.relay.take("TeamMoved", "t")
    await scenario.request_owner("teams", "POST", "/teams/t/moves", event_id="A")
    theirs = await scenario.relay.take("TeamMoved", "t")
    await harness.record(ours, theirs)
    row = await harness.wait_for_operation(row.id, "done")
    assert (row.found, row.confirmed, row.skipped) == (1, 0, 1)
    (child,), _ = await listings.children_page(harness.pool, harness.tenant, row.id, "skipped", None, 10)
    assert describe_child(child) == "it left its parent, and came back by another fact"
    assert await scenario.teams_at_owner() == {"t": "A"}
    assert await scenario.effects("teams") == 1


async def test_child_at_which_its_owner_keeps_failing_is_parked(running_scenario: Scenario) -> None:
    """Attempts count because other children of the operation succeeded, even if no other child is left."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "good", "poison")
    scenario.transport.refused = {"/teams/poison": (500, "")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    await scenario.wait_for_entities("team", ["good"], "deleted")

    async def tried() -> bool:
        query = "select attempts from operation_children where tenant = $1 and child = 'poison'"
        return int(await harness.pool.fetchval(query, harness.tenant) or 0) >= 3

    await eventually(tried)
    await harness.pool.execute("update operation_children set attempts = 29 where tenant = $1", harness.tenant)
    id = await cascade(scenario, "incomplete")
    (item,) = await harness.pool.fetch(
        "select park_reason, last_error from operation_children where tenant = $1 and state = 'parked'", harness.tenant
    )
    assert dict(item) == {"park_reason": "attempts_exhausted", "last_error": "DeleteTeam at teams answered 500"}
    assert (await harness.operation(id)).confirmed == 1


async def test_parked_child_that_left_and_came_back_is_requested_again(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t1", "t2")
    scenario.transport.refused = {"/teams/t": (422, "not yet")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    id = await cascade(scenario, "incomplete")
    scenario.transport.refused = {}
    await scenario.request_owner("teams", "POST", "/teams/t1/moves", event_id="B")

    async def counted() -> bool:
        row = await harness.operation(id)
        return bool((row.skipped, row.parked) == (1, 1))

    await eventually(counted)
    await scenario.request_owner("teams", "POST", "/teams/t1/moves", event_id="A")
    await scenario.wait_for_entities("team", ["t1"], "deleted")
    await operations.redrive(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "done")
    assert (row.confirmed, row.parked) == (2, 0)


async def test_redrive_skips_parked_children_of_a_recreated_event(
    running_scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_life, "STOP_AFTER", timedelta(0))
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "t1", "t2")
    scenario.transport.refused = {"/teams/t1": (422, "not yet")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    id = await cascade(scenario, "incomplete")
    await scenario.create_events("A")
    await operations.redrive(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "done")
    assert (row.found, row.confirmed, row.skipped, row.parked) == (2, 1, 1, 0)
    assert await scenario.teams_at_owner() == {"t1": "A"}


async def test_move_plan_parks_children_whose_target_is_deleted(running_scenario: Scenario) -> None:
    """While it runs and after a redrive: the cascade of the target would delete the children."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t1", "t2")
    scenario.transport.refused = {"/teams/t1": (503, ""), "/teams/t2": (422, "not yet")}
    request = PlanRequest("move", relationship="event_team", parent="A", to="B")
    row = await scenario.execute_plan(request)

    async def one_is_refused() -> bool:
        return bool((await harness.operation(row.id)).parked == 1)

    await eventually(one_is_refused)
    await scenario.request_owner("events", "DELETE", "/events/B")
    await scenario.wait_for_entities("event", ["B"], "deleted")
    scenario.transport.refused = {}
    await harness.wait_for_operation(row.id, "incomplete")
    await operations.redrive(harness.pool, harness.tenant, row.id)
    row = await harness.wait_for_operation(row.id, "incomplete")
    assert (row.found, row.parked) == (2, 2)
    parked, _ = await listings.children_page(harness.pool, harness.tenant, row.id, "parked", None, 10)
    assert [child.park_reason for child in parked] == ["target_deleted"] * 2
    assert [describe_child(child) for child in parked] == ["event B is deleted"] * 2
    assert await scenario.teams_at_owner() == {"t1": "A", "t2": "A"}


async def test_move_plan_moves_a_child_whose_parent_was_stated_again(running_scenario: Scenario) -> None:
    """The child never left: a fact that states the same parent again does not make another link."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t")
    scenario.transport.refused = {"/teams/t": (503, "")}
    row = await scenario.execute_plan(PlanRequest("move", relationship="event_team", parent="A", to="B"))

    async def failed() -> bool:
        return bool(describe_operation(await harness.operation(row.id)))

    await eventually(failed)
    (created,) = await harness.facts("TeamCreated")
    again = {"specversion": "1.0", "source": "/teams", "type": "TeamMoved.v1", "subject": "t", "id": "the-same"}
    await harness.record({**again, "sequence": "1", "time": created["time"].isoformat(), "data": {"event_id": "A"}})
    scenario.transport.refused = {}
    row = await harness.wait_for_operation(row.id, "done")
    assert (row.confirmed, row.skipped) == (1, 0)
    assert await scenario.teams_at_owner() == {"t": "B"}
