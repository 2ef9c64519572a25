"""Services may tell the workflows of operations straight: signal-with-start, by any input that has the id."""

import pytest

from tests.support.festival import Festival
from tests.support.harness import event, until

pytestmark = pytest.mark.stack


async def test_an_end_that_is_signalled_to_its_cascade_is_recorded_and_followed(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("A")
    await festival.teams("A", "t1", "t2")
    told = {**event("EventDeleted", "A", 2), "source": "/events"}
    await house.client.start_workflow(
        "CascadeDeleteWorkflow",
        {"kind": "event", "key": "A"},
        id=f"{house.tenant}/cascade/event/A",
        task_queue=house.tenant,
        start_signal="EventDeleted",
        start_signal_args=[told],
    )
    await festival.known("team", ["t1", "t2"], "deleted")
    assert await festival.teams_at_owner() == {}
    assert await house.quarantined() == []
    (deleted,) = await house.facts("EventDeleted")
    assert deleted["id"] == told["id"]


async def test_nonsense_that_is_signalled_is_quarantined_and_harms_nobody(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("A")
    await festival.teams("A", "t1")
    handle = await house.client.start_workflow(
        "MoveWorkflow",
        None,
        id=f"{house.tenant}/move/event_team/t1",
        task_queue=house.tenant,
        start_signal="TeamMoved",
        start_signal_args=["nonsense"],
    )

    async def put_aside() -> bool:
        return len(await house.quarantined()) == 1

    await until(put_aside)
    await handle.result()
    assert await festival.spans("t1") == [("A", 2, None)]


async def test_a_workflow_whose_id_says_nothing_ends_with_the_mend(open_festival: Festival) -> None:
    house = open_festival.house
    handle = await house.client.start_workflow(
        "CascadeDeleteWorkflow", "whatever", id=f"{house.tenant}-odd", task_queue=house.tenant
    )
    with pytest.raises(Exception, match="Workflow execution failed") as failed:
        await handle.result()
    assert "tenant/cascade/about/key" in str(failed.value.__cause__)
