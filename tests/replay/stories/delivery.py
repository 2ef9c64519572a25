"""Runs of DeliveryWorkflow, for the consumer shop, which reads categories."""

import httpx2

from messages.workflow_ids import Subject
from store.deliveries import webhooks
from tests.replay.stories.steps import A_LITTLE
from tests.support.events import event
from tests.support.scenario import Scenario
from tests.support.subscribers import subscribe
from tests.workflows.delivery.test_deliveries import subject, wait_for_failures, wait_for_subjects

HOST = "shop.example"


async def _begin(scenario: Scenario, *keys: str) -> Subject:
    harness = scenario.harness
    await subscribe(harness.pool, harness.tenant, "shop", {"kind": "category"}, consent=True)
    await harness.record(*(event("CategoryAdded", key, name=key) for key in keys))
    return subject(harness, "shop")


async def delivered(scenario: Scenario) -> Subject:
    """All is accepted at once."""
    found = await _begin(scenario, "c1", "c2")
    await wait_for_subjects(scenario.harness, HOST, "c1", "c2")
    return found


async def delivery_retried(scenario: Scenario) -> Subject:
    """The receiver fails twice at everything."""
    harness = scenario.harness
    harness.receivers.answer[HOST] = lambda *_: httpx2.Response(500)
    found = await _begin(scenario, "c1", "c2")
    await wait_for_failures(harness, "shop", 1)
    await harness.fast_forward(found, A_LITTLE)
    await wait_for_failures(harness, "shop", 2)
    harness.receivers.answer.clear()
    await webhooks.enable(harness.pool, harness.tenant, "shop")
    await wait_for_subjects(harness, HOST, "c1", "c2")
    return found


async def delivery_gone(scenario: Scenario) -> Subject:
    """The receiver wants no more deliveries."""
    scenario.harness.receivers.answer[HOST] = lambda *_: httpx2.Response(410)
    found = await _begin(scenario, "c1")
    await scenario.harness.wait_for_facts("DeliveryDisabled")
    return found


STORIES = (delivered, delivery_retried, delivery_gone)
