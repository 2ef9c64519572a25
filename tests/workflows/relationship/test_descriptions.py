"""What an operator reads about relationships in Temporal's Web UI, without opening a payload."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from facts.correlation import encode
from messages.search_attributes import ENTITY, OWNER, RELATIONSHIP, STATE
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.workflows.relationship.test_deadlines import A_DAY

pytestmark = pytest.mark.stack


async def shown(harness: Harness) -> dict[str, Any]:
    """Returns the search attributes of g1's workflow."""
    described = await harness.handle("group_channel", "g1").describe()
    keys = (RELATIONSHIP, ENTITY, OWNER, STATE)
    return {key.name: described.typed_search_attributes.get(key) for key in keys}


async def test_waiting_workflow_shows_missing_fact_owner_and_deadline(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(event("GroupCreated", "g1", name="g1"))
    wait = await harness.wait_until_waiting("group_channel", "g1")
    since, due = (f"{at:%Y-%m-%d %H:%M}" for at in (wait["waiting_since"], wait["waiting_since"] + timedelta(hours=24)))
    described = await harness.handle("group_channel", "g1").describe()
    assert await described.static_summary() == "group_channel of g1"
    waiting = f"waiting: ChannelCreated from channels since {since}, due {due} UTC"
    progress = await harness.handle("group_channel", "g1").query("progress")
    assert progress["description"] == waiting
    assert progress["facts"] == 1
    details = await harness.handle("group_channel", "g1").query("__temporal_workflow_metadata")
    assert waiting in str(details)
    assert await shown(harness) == {
        "TetherRelationship": "group_channel",
        "TetherEntity": "g1",
        "TetherOwner": "channels",
        "TetherState": "waiting",
    }


async def test_workflow_started_by_a_service_has_search_attributes(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.client.start_workflow(
        "RelationshipWorkflow",
        harness.instance("group_channel", "g1"),
        id=f"{harness.tenant}/group_channel/g1",
        task_queue=harness.tenant,
        start_signal="GroupCreated",
        start_signal_args=[event("GroupCreated", "g1", name="g1")],
    )
    await harness.wait_until_waiting("group_channel", "g1")
    assert await shown(harness) == {
        "TetherRelationship": "group_channel",
        "TetherEntity": "g1",
        "TetherOwner": "channels",
        "TetherState": "waiting",
    }


async def test_signals_and_requests_have_readable_names(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_for_facts("GroupChannelLinked")
    await harness.wait_for_end("group_channel", "g1")
    history = await harness.handle("group_channel", "g1").fetch_history()
    signals = [
        recorded.workflow_execution_signaled_event_attributes.signal_name
        for recorded in history.events
        if recorded.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
    assert signals == ["GroupCreated", "ChannelCreated"]
    summaries = [
        recorded.user_metadata.summary.data for recorded in history.events if recorded.HasField("user_metadata")
    ]
    assert b'"CreateChannel at channels for group g1"' in summaries


async def test_completed_workflow_shows_its_state(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_for_facts("GroupChannelLinked")
    await harness.wait_for_end("group_channel", "g1")
    assert await harness.result("group_channel", "g1") == {
        "state": "complete",
        "description": "nothing is missing; 1 linked",
    }

    async def listed() -> list[str]:
        """Lists of workflows lag behind their state."""
        query = f"TetherState = 'complete' and TetherOwner = 'channels' and TaskQueue = '{harness.tenant}'"
        return [found.id async for found in harness.client.list_workflows(query)]

    assert await eventually(listed) == [f"{harness.tenant}/group_channel/g1"]


async def test_overdue_workflow_shows_its_state(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.skip("group_channel", "g1", A_DAY)
    outcome = await harness.result("group_channel", "g1")
    assert outcome["description"].startswith("overdue: ChannelCreated from channels since ")
    assert (await shown(harness))["TetherState"] == "overdue"


async def test_workflow_of_waiting_link_shows_its_deadline(running_harness: Harness) -> None:
    harness = running_harness
    await harness.link("category_item", "books", "i1")
    await harness.wait_until_waiting("category_item", "books")
    progress = await harness.handle("category_item", "books").query("progress")
    assert progress["description"].startswith("waiting: both sides of an explicit link, until ")


async def test_missing_parent_shows_its_owner(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(event("ChannelCreated", "c1", correlation=encode("group_channel", "g1"), name="c"))
    await harness.wait_until_waiting("group_channel", "g1")
    assert (await shown(harness))["TetherOwner"] == "groups"
