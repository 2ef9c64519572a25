"""Services may signal facts straight to the workflows of operations, by signal-with-start with any input."""

import pytest

from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack


async def test_deletion_signalled_to_its_cascade_is_recorded_and_cascades(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "t1", "t2")
    fact = {**event("EventDeleted", "A", 2), "source": "/events"}
    await harness.client.start_workflow(
        "CascadeDeleteWorkflow",
        {"kind": "event", "key": "A"},
        id=f"{harness.tenant}/cascade/event/A",
        task_queue=harness.tenant,
        start_signal="EventDeleted",
        start_signal_args=[fact],
    )
    await scenario.wait_for_entities("team", ["t1", "t2"], "deleted")
    assert await scenario.teams_at_owner() == {}
    assert await harness.quarantined() == []
    (deleted,) = await harness.facts("EventDeleted")
    assert deleted["id"] == fact["id"]


async def test_signalled_nonsense_is_quarantined(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "t1")
    handle = await harness.client.start_workflow(
        "MoveWorkflow",
        None,
        id=f"{harness.tenant}/move/event_team/t1",
        task_queue=harness.tenant,
        start_signal="TeamMoved",
        start_signal_args=["nonsense"],
    )

    async def quarantined() -> bool:
        return len(await harness.quarantined()) == 1

    await eventually(quarantined)
    await handle.result()
    assert await scenario.link_versions("t1") == [("A", 2, None)]


async def test_workflow_with_meaningless_id_fails_and_says_which_form_to_use(running_scenario: Scenario) -> None:
    harness = running_scenario.harness
    handle = await harness.client.start_workflow(
        "CascadeDeleteWorkflow", "whatever", id=f"{harness.tenant}-odd", task_queue=harness.tenant
    )
    with pytest.raises(Exception, match="Workflow execution failed") as failed:
        await handle.result()
    assert "tenant/cascade/about/key" in str(failed.value.__cause__)
