"""A group that is deleted and created again while its channel is on the way: each life has a channel of its own."""

import httpx2
import pytest

from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness

pytestmark = pytest.mark.stack

LINKED = "GroupChannelLinked"
PROMPT = 15.0
"""Seconds, even on a busy machine: less than any timer of the workflow."""
FIRST, GONE = event("GroupCreated", "g1", 1, name="rowing"), event("GroupDeleted", "g1", 2)
SECOND = event("GroupCreated", "g1", 3, name="rowing")


async def wait_for_requests(harness: Harness, count: int, seconds: float = 90) -> None:
    """Waits until channels were requested under this number of Idempotency-Keys."""

    async def requested() -> bool:
        return len(harness.channels.attempts()) == count

    await eventually(requested, seconds)


async def test_recreation_in_one_batch_requests_the_second_channel_promptly(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(FIRST)
    await wait_for_requests(harness, 1)
    await harness.record(GONE, SECOND)
    await wait_for_requests(harness, 2, PROMPT)


async def test_late_channel_of_the_first_life_does_not_become_the_second_lifes(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(FIRST)
    await wait_for_requests(harness, 1)
    await harness.record(GONE)
    await harness.record(SECOND)
    await wait_for_requests(harness, 2)
    of_first, of_second = (request.correlation for request in harness.channels.requests)
    await harness.record(event("ChannelCreated", "c1", correlation=of_first, name="c1"))

    async def swept() -> bool:
        return harness.channels.deleted == ["c1"]

    await eventually(swept, PROMPT)
    assert (await harness.find_wait("group_channel", "g1"))["missing"] == "child"
    assert await harness.facts(LINKED) == []
    await harness.record(event("ChannelCreated", "c2", correlation=of_second, name="c2"))
    (announced,) = await harness.wait_for_facts(LINKED)
    assert announced["data"]["child"] == "c2"
    await harness.record(event("ChannelDeleted", "c1", 2))
    assert await harness.links("group_channel") == {"c2": "g1"}
    await harness.wait_until_at_rest()
    assert harness.channels.deleted == ["c1"]
    assert len(harness.channels.attempts()) == 2


async def test_linked_channel_of_a_group_recreated_in_one_batch_is_swept(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(FIRST)
    await harness.wait_for_facts(LINKED)
    harness.channels.silent = True
    await harness.record(GONE, SECOND)
    await wait_for_requests(harness, 2, PROMPT)

    async def swept() -> bool:
        return harness.channels.deleted == ["channel-of-rowing"]

    await eventually(swept, PROMPT)
    of_second = harness.channels.requests[-1].correlation
    await harness.record(event("ChannelCreated", "c2", correlation=of_second, name="c2"))
    await harness.wait_for_facts(LINKED, 2)
    await harness.record(event("ChannelDeleted", "channel-of-rowing", 2))
    await harness.wait_until_at_rest()
    assert await harness.links("group_channel") == {"c2": "g1"}


async def test_first_request_is_not_repeated_for_the_second_life(running_harness: Harness) -> None:
    """The owner is unavailable at first, so that the first life's request is still being retried."""
    harness = running_harness
    harness.channels.answers = [httpx2.Response(503)] * 2
    harness.channels.silent = True
    await harness.record(FIRST)
    await wait_for_requests(harness, 1)
    await harness.record(GONE, SECOND)
    await wait_for_requests(harness, 2, PROMPT)
    keys = [request.key for request in harness.channels.requests]
    assert keys == sorted(keys, key=keys.index)  # never the first again once the second was sent
    assert len({request.correlation for request in harness.channels.requests}) == 2
