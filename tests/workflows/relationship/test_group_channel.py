"""Groups and their channels, whose owners do not know each other."""

from datetime import timedelta
from itertools import permutations

import httpx2
import pytest
from temporalio.client import WorkflowExecutionStatus

from facts.correlation import decode, encode
from tests.support.events import Event, event
from tests.support.eventually import eventually
from tests.support.harness import Harness

pytestmark = pytest.mark.stack

LINKED = "GroupChannelLinked"


def created(group: str, sequence: int = 1) -> Event:
    return event("GroupCreated", group, sequence, name=f"name of {group}")


def channel(key: str, group: str | None, sequence: int = 1) -> Event:
    correlation = encode("group_channel", group) if group is not None else None
    return event("ChannelCreated", key, sequence, correlation=correlation, name=key)


async def test_new_group_gets_one_channel_announced_once(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(created("g1"))
    (announced,) = await harness.wait_for_facts(LINKED)
    assert await harness.wait_for_end("group_channel", "g1") is WorkflowExecutionStatus.COMPLETED
    (request,) = harness.channels.requests
    assert request.name == "name of g1"
    requested = decode(request.correlation)
    assert requested is not None
    assert requested[:2] == ("group_channel", "g1")
    assert announced["data"] == {"relationship": "group_channel", "parent": "g1", "child": "channel-of-name of g1"}
    assert announced["correlation"] == request.correlation
    assert announced["causation"] == "ChannelCreated/channel-of-name of g1/1"
    assert await harness.links("group_channel") == {"channel-of-name of g1": "g1"}
    assert (await harness.result("group_channel", "g1"))["state"] == "complete"
    await harness.wait_until_at_rest()
    assert len(await harness.facts(LINKED)) == 1


async def test_repeated_request_keeps_its_first_body(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.answers = [httpx2.Response(503) for _ in range(3)]
    await harness.record(created("g1"))

    async def requested() -> bool:
        return len(harness.channels.requests) > 0

    await eventually(requested)
    await harness.record(event("GroupRenamed", "g1", 2, name="renamed"))
    await harness.wait_for_facts(LINKED)
    assert {(one.key, one.name) for one in harness.channels.requests} == {
        (harness.channels.requests[0].key, "name of g1")
    }
    assert len(harness.channels.requests) == 4


async def test_request_never_sent_uses_the_current_fields(harness: Harness) -> None:
    owners, harness.owners = harness.owners, {}
    async with harness.running():
        await harness.record(created("g1"))

        async def noted() -> bool:
            wait = await harness.find_wait("group_channel", "g1")
            return wait is not None and "no address" in wait["last_error"]

        await eventually(noted)
        await harness.record(event("GroupRenamed", "g1", 2, name="renamed"))
    harness.owners = owners
    async with harness.running():
        await harness.skip("group_channel", "g1", timedelta(minutes=5))
        await harness.wait_for_facts(LINKED)
    assert [one.name for one in harness.channels.requests] == ["renamed"]
    await harness.wait_until_at_rest()


async def test_every_order_of_facts_has_the_same_result(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    orders = list(permutations(range(4)))
    for number, order in enumerate(orders):
        group = f"g{number}"
        facts = [
            created(group),
            channel(f"c{number}", group),
            event("GroupRenamed", group, 2, name="renamed"),
            created(group),
        ]
        for index in order:
            await harness.record(facts[index])
    announced = await harness.wait_for_facts(LINKED, len(orders), 60)
    assert sorted(row["data"]["parent"] for row in announced) == sorted(f"g{n}" for n in range(len(orders)))
    await harness.wait_until_at_rest()
    assert await harness.links("group_channel") == {f"c{n}": f"g{n}" for n in range(len(orders))}
    for number in range(len(orders)):
        assert await harness.wait_for_end("group_channel", f"g{number}") is WorkflowExecutionStatus.COMPLETED
    assert len(await harness.facts(LINKED)) == len(orders)
    assert set(harness.channels.attempts().values()) <= {1}


async def test_channel_without_group_starts_no_workflow(running_harness: Harness) -> None:
    await running_harness.record(channel("alone", None), event("ChannelRenamed", "alone", 2, name="still alone"))
    assert await running_harness.count_rows("outbox") == await running_harness.count_rows("waits") == 0
    assert not running_harness.channels.requests


async def test_channel_created_first_is_linked_without_a_request(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(channel("c1", "g1"))
    wait = await harness.wait_until_waiting("group_channel", "g1")
    assert (wait["missing"], wait["owner"]) == ("parent", "groups")
    await harness.record(created("g1"))
    await harness.wait_for_facts(LINKED)
    assert await harness.wait_for_end("group_channel", "g1") is WorkflowExecutionStatus.COMPLETED
    await harness.wait_until_at_rest()
    assert not harness.channels.requests


async def test_two_channels_of_one_group_are_announced_once(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(created("g1"), channel("c1", "g1"))
    await harness.wait_for_facts(LINKED)
    await harness.wait_for_end("group_channel", "g1")
    await harness.record(channel("c2", "g1", 2))
    await harness.wait_until_at_rest()
    await harness.wait_for_end("group_channel", "g1")
    assert await harness.links("group_channel") == {"c1": "g1", "c2": "g1"}
    assert [row["key"] for row in await harness.facts(LINKED)] == ["c1"]


async def test_deleted_group_is_no_longer_waited_for(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(created("g1"))
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(event("GroupDeleted", "g1", 2))
    assert await harness.wait_for_end("group_channel", "g1") is WorkflowExecutionStatus.COMPLETED
    assert (await harness.result("group_channel", "g1"))["state"] == "over"
    await harness.wait_until_at_rest()


async def test_recreated_group_is_requested_with_another_key(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(created("g1"))
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(event("GroupDeleted", "g1", 2))
    await harness.record(created("g1", 3))

    async def requested_twice() -> bool:
        return len(harness.channels.attempts()) == 2

    await eventually(requested_twice)
