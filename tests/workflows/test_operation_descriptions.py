"""What an operator reads about moves and cascades in Temporal's Web UI, without opening a payload."""

from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from messages.search_attributes import ENTITY, OWNER, RELATIONSHIP, STATE, STATE_REQUESTED
from messages.workflow_ids import Subject
from tests.support.eventually import eventually
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import delete_at_owner

pytestmark = pytest.mark.stack


async def shown(scenario: Scenario, subject: Subject) -> dict[str, Any]:
    """Returns the search attributes of a workflow."""
    described = await scenario.harness.workflow(subject).describe()
    return {key.name: described.typed_search_attributes.get(key) for key in (RELATIONSHIP, ENTITY, OWNER, STATE)}


async def details(scenario: Scenario, subject: Subject) -> str:
    """Returns the details that a workflow shows as its current state."""
    return str(await scenario.harness.workflow(subject).query("__temporal_workflow_metadata"))


async def test_waiting_move_shows_target_owner_and_deadline(running_scenario: Scenario) -> None:
    scenario, move = running_scenario, running_scenario.move_subject("t")
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    due = (await scenario.harness.operation(id)).due
    says = await scenario.wait_for_description(move, "waiting for event b")
    assert says == f"waiting for event b, due {due:%Y-%m-%d %H:%M} UTC"
    assert says in await details(scenario, move)
    assert await (await scenario.harness.workflow(move).describe()).static_summary() == "moves of t in event_team"
    assert await shown(scenario, move) == {
        "TetherRelationship": "event_team",
        "TetherEntity": "t",
        "TetherOwner": "events",
        "TetherState": "waiting",
    }


async def test_requested_move_shows_whose_fact_it_waits_for(running_scenario: Scenario) -> None:
    scenario, move = running_scenario, running_scenario.move_subject("t")
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    id = await scenario.request_move("t", "b")
    says = await scenario.wait_for_description(move, "waiting for a fact from teams that team t is in event b, due ")
    assert says.endswith(" UTC")
    attributes = await shown(scenario, move)
    assert (attributes["TetherOwner"], attributes["TetherState"]) == ("teams", STATE_REQUESTED)
    await scenario.relay.take("TeamMoved", "t")
    scenario.relay.holding.clear()
    await scenario.request_owner("teams", "PATCH", "/teams/t", name="x")
    assert (await scenario.harness.operation(id)).state == "requested"


async def test_move_with_unavailable_owner_shows_why_it_is_stuck(running_scenario: Scenario) -> None:
    scenario = running_scenario
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.transport.away.add("teams")
    await scenario.request_move("t", "b")
    says = await scenario.wait_for_description(scenario.move_subject("t"), "; MoveTeam at teams answered 503")
    assert says.startswith("waiting for a fact from teams that team t is in event b, due ")


async def test_ended_move_workflow_shows_its_operation(running_scenario: Scenario) -> None:
    scenario, harness, move = running_scenario, running_scenario.harness, running_scenario.move_subject("t")
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await harness.wait_for_operation(id, "done")
    await harness.wait_until_at_rest()
    await harness.wait_for_workflow_end(move)
    assert (await shown(scenario, move))["TetherState"] == "complete"
    first = (await harness.workflow(move).describe()).raw_description.workflow_execution_info.first_run_id
    result = await harness.client.get_workflow_handle(harness.workflow(move).id, run_id=first).result()
    assert result["description"] in (f"over; see operation {id} for its result", "nothing is under way")


async def test_signals_and_requests_have_readable_names(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    deleted = await scenario.relay.take("EventDeleted", "a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "waiting for EventDeleted from events, due ")
    await harness.record(deleted)
    await harness.wait_for_operation(id, "done")
    history = await harness.workflow(scenario.cascade_subject("a")).fetch_history()
    signals = [
        recorded.workflow_execution_signaled_event_attributes.signal_name
        for recorded in history.events
        if recorded.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
    assert signals[:2] == ["DeleteRequested", "EventDeleted"]
    summaries = [
        recorded.user_metadata.summary.data for recorded in history.events if recorded.HasField("user_metadata")
    ]
    assert b'"DeleteEvent at events for a"' in summaries
    assert b'"DeleteTeam at teams, after the beginning"' in summaries


async def test_cascade_shows_its_progress_and_owner(running_scenario: Scenario) -> None:
    scenario, harness, end = running_scenario, running_scenario.harness, running_scenario.cascade_subject("a")
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1", "t2", "t3")
    scenario.relay.holding.add("teams")
    await delete_at_owner(scenario)
    says = await scenario.wait_for_description(end, "waiting for 3 facts")
    assert says == "0 of 3 children done: DeleteTeam at teams; waiting for 3 facts"
    assert says in await details(scenario, end)
    assert await (await harness.workflow(end).describe()).static_summary() == "deletion of event a and its children"

    async def waits() -> bool:
        return bool((await shown(scenario, end))["TetherState"] == "waiting")

    await eventually(waits)
    assert await shown(scenario, end) == {
        "TetherRelationship": "event_team",
        "TetherEntity": "a",
        "TetherOwner": "teams",
        "TetherState": "waiting",
    }
    progress = await scenario.progress(end)
    assert progress["status"]["counts"] == {"remaining": 0, "found": 3, "confirmed": 0, "skipped": 0, "parked": 0}
    await scenario.relay.release()
    await scenario.wait_for_cascade("a")
    await harness.wait_until_at_rest()
    await harness.wait_for_workflow_end(end)
    assert (await shown(scenario, end))["TetherState"] == "complete"


async def test_cascade_with_unavailable_owner_is_listed_as_stuck(running_scenario: Scenario) -> None:
    scenario, end = running_scenario, running_scenario.cascade_subject("a")
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1", "t2", "t3")
    scenario.transport.away.add("teams")
    await delete_at_owner(scenario)
    says = await scenario.wait_for_description(end, "answered 503")
    assert says == "0 of 3 children done: DeleteTeam at teams; event_team: DeleteTeam at teams answered 503"
    assert (await shown(scenario, end))["TetherState"] == "stuck"
