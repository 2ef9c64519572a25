"""The largest keys reach Temporal, the owner and come back, in every script."""

import pytest
from temporalio.client import WorkflowExecutionStatus

from catalog import limits
from facts.correlation import decode
from tests.support.events import event
from tests.support.harness import Harness
from tests.support.scripts import text_of

pytestmark = pytest.mark.stack

RELATIONSHIP = "group_channel"


@pytest.mark.parametrize("script", ["han", "emoji", "control"])
async def test_largest_key_is_requested_linked_and_announced(running_harness: Harness, script: str) -> None:
    harness = running_harness
    parent = text_of(script, limits.KEY)
    await harness.record(event("GroupCreated", parent, 1, name="g", id=text_of(script, limits.ID)))
    (announced,) = await harness.wait_for_facts("GroupChannelLinked")
    assert announced["data"] == {"relationship": RELATIONSHIP, "parent": parent, "child": "channel-of-g"}
    (request,) = harness.channels.requests
    named = decode(request.correlation)
    assert named is not None
    assert named[:2] == (RELATIONSHIP, parent)
    assert await harness.wait_for_end(RELATIONSHIP, parent) is WorkflowExecutionStatus.COMPLETED
    assert await harness.links(RELATIONSHIP) == {"channel-of-g": parent}
    await harness.wait_until_at_rest()
