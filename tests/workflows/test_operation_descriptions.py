"""What an operator reads of moves and cascades in Temporal's Web UI, without opening a payload."""

from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from messages.relationship import ENTITY, OWNER, RELATIONSHIP, STATE
from messages.workflow_ids import Subject
from tests.support.festival import Festival
from tests.support.harness import until
from tests.workflows.cascade.test_cascades import call_off

pytestmark = pytest.mark.stack


async def shown(festival: Festival, subject: Subject) -> dict[str, Any]:
    """The search attributes of a workflow."""
    described = await festival.house.workflow(subject).describe()
    return {key.name: described.typed_search_attributes.get(key) for key in (RELATIONSHIP, ENTITY, OWNER, STATE)}


async def details(festival: Festival, subject: Subject) -> str:
    """What is shown as its present state."""
    return str(await festival.house.workflow(subject).query("__temporal_workflow_metadata"))


async def test_a_move_that_waits_says_for_what_from_whom_and_until_when(open_festival: Festival) -> None:
    festival, move = open_festival, open_festival.moves("t")
    await festival.events("a")
    await festival.teams("a", "t")
    id = await festival.ask_move("t", "b")
    due = (await festival.house.operation(id))["due"]
    says = await festival.says(move, "waiting for event b")
    assert says == f"waiting for event b, due {due:%Y-%m-%d %H:%M} UTC"
    assert says in await details(festival, move)
    assert await (await festival.house.workflow(move).describe()).static_summary() == "moves of t in event_team"
    assert await shown(festival, move) == {
        "TetherRelationship": "event_team",
        "TetherEntity": "t",
        "TetherOwner": "events",
        "TetherState": "waiting",
    }


async def test_a_move_that_was_asked_for_says_whose_fact_it_waits_for(open_festival: Festival) -> None:
    festival, move = open_festival, open_festival.moves("t")
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.post.holding.add("teams")
    id = await festival.ask_move("t", "b")
    says = await festival.says(move, "waiting for team t to be told in event b by teams, due ")
    assert says.endswith(" UTC")
    attributes = await shown(festival, move)
    assert (attributes["TetherOwner"], attributes["TetherState"]) == ("teams", "asked")
    await festival.post.has("TeamMoved", "t")
    festival.post.holding.clear()
    await festival.do("teams", "PATCH", "/teams/t", name="x")
    assert (await festival.house.operation(id))["state"] == "asked"


async def test_a_move_whose_owner_is_away_says_why_it_is_stuck(open_festival: Festival) -> None:
    festival = open_festival
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.road.away.add("teams")
    await festival.ask_move("t", "b")
    says = await festival.says(festival.moves("t"), "; MoveTeam at teams answered 503")
    assert says.startswith("waiting for team t to be told in event b by teams, due ")


async def test_a_move_that_is_over_says_which_operation_tells_more(open_festival: Festival) -> None:
    festival, house, move = open_festival, open_festival.house, open_festival.moves("t")
    await festival.events("a", "b")
    await festival.teams("a", "t")
    id = await festival.ask_move("t", "b")
    await house.operated(id, "done")
    await house.at_rest()
    await house.closed(move)
    assert (await shown(festival, move))["TetherState"] == "complete"
    first = (await house.workflow(move).describe()).raw_description.workflow_execution_info.first_run_id
    result = await house.client.get_workflow_handle(house.workflow(move).id, run_id=first).result()
    assert result["says"] in (f"over; operation {id} says what came of it", "nothing is under way")


async def test_signals_are_named_after_facts_and_commands_after_what_they_ask(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t")
    festival.post.holding.add("events")
    id = await festival.ask_delete("a")
    deleted = await festival.post.has("EventDeleted", "a")
    await festival.says(festival.end("a"), "waiting for EventDeleted from events, due ")
    await house.tell(deleted)
    await house.operated(id, "done")
    history = await house.workflow(festival.end("a")).fetch_history()
    signals = [
        told.workflow_execution_signaled_event_attributes.signal_name
        for told in history.events
        if told.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
    assert signals[:2] == ["DeleteRequested", "EventDeleted"]
    summaries = [told.user_metadata.summary.data for told in history.events if told.HasField("user_metadata")]
    assert b'"DeleteEvent at events for a"' in summaries
    assert b'"DeleteTeam at teams, after the beginning"' in summaries


async def test_a_cascade_says_how_far_it_is_and_whom_it_waits_for(open_festival: Festival) -> None:
    festival, house, end = open_festival, open_festival.house, open_festival.end("a")
    await festival.events("a")
    await festival.teams("a", "t1", "t2", "t3")
    festival.post.holding.add("teams")
    await call_off(festival)
    says = await festival.says(end, "waiting for 3 facts")
    assert says == "0 of 3 seen to: DeleteTeam at teams; waiting for 3 facts"
    assert says in await details(festival, end)
    assert await (await house.workflow(end).describe()).static_summary() == "the end of event a"

    async def waits() -> bool:
        return bool((await shown(festival, end))["TetherState"] == "waiting")

    await until(waits)
    assert await shown(festival, end) == {
        "TetherRelationship": "event_team",
        "TetherEntity": "a",
        "TetherOwner": "teams",
        "TetherState": "waiting",
    }
    progress = await festival.progress(end)
    assert progress["standing"]["counts"] == {"pending": 0, "found": 3, "done": 0, "spared": 0, "parked": 0}
    await festival.post.let_go()
    await festival.cascaded("a")
    await house.at_rest()
    await house.closed(end)
    assert (await shown(festival, end))["TetherState"] == "complete"


async def test_a_cascade_whose_owner_is_away_is_stuck_and_is_found_as_such(open_festival: Festival) -> None:
    festival, end = open_festival, open_festival.end("a")
    await festival.events("a")
    await festival.teams("a", "t1", "t2", "t3")
    festival.road.away.add("teams")
    await call_off(festival)
    says = await festival.says(end, "answered 503")
    assert says == "0 of 3 seen to: DeleteTeam at teams; event_team: DeleteTeam at teams answered 503"
    assert (await shown(festival, end))["TetherState"] == "stuck"
