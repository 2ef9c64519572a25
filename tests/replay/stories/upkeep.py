"""Runs of ErasureWorkflow and RetentionWorkflow. They have no subject: each story returns the id of its workflow."""

from datetime import timedelta

from config import Retention
from dispatcher import Dispatcher
from messages.erasure import erasure_id
from messages.retention import retention_id
from tests.support.events import event
from tests.support.merge_requests import create_people
from tests.support.scenario import Scenario
from tests.workflows.erasure.test_erasures import request, wait_for_end

KEPT = Retention(history=timedelta(hours=1), every=timedelta(hours=1))


async def erased(scenario: Scenario) -> str:
    """The owner follows."""
    await create_people(scenario, "a", "b")
    id = await request(scenario.harness, "a")
    await wait_for_end(scenario.harness, id)
    return erasure_id(scenario.harness.tenant, id)


async def erasure_refused(scenario: Scenario) -> str:
    """The owner refuses."""
    await create_people(scenario, "a", "b")
    scenario.transport.refused = {"/a/erasures": (403, "no")}
    id = await request(scenario.harness, "a")
    await wait_for_end(scenario.harness, id)
    return erasure_id(scenario.harness.tenant, id)


async def trimmed(scenario: Scenario) -> str:
    """Versions and revisions that are older than what is kept."""
    harness = scenario.harness
    harness.retention = KEPT
    for n in range(1, 6):
        await harness.record(event("CategoryAdded", "c", n, name=str(n)))
    await harness.pool.execute("update revisions set at = at - interval '2 hours' where tenant = $1", harness.tenant)
    async with harness.worker():
        await Dispatcher(harness.pool, harness.starter, retention=KEPT).retain()
        await harness.client.get_workflow_handle(retention_id(harness.tenant)).result()
    return retention_id(harness.tenant)


STORIES = (erased, erasure_refused, trimmed)
OPENING = (trimmed,)
