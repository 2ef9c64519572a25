"""A group is given a channel by two owners who never hear of each other."""

from datetime import timedelta
from itertools import permutations

import httpx2
import pytest
from temporalio.client import WorkflowExecutionStatus

from facts.correlation import encode
from tests.support.harness import Event, House, event, until

pytestmark = pytest.mark.stack

LINKED = "GroupChannelLinked"


def created(group: str, sequence: int = 1) -> Event:
    return event("GroupCreated", group, sequence, name=f"name of {group}")


def channel(key: str, group: str | None, sequence: int = 1) -> Event:
    correlation = encode("group_channel", group) if group is not None else None
    return event("ChannelCreated", key, sequence, correlation=correlation, name=key)


async def test_a_group_alone_gets_a_channel_which_is_announced_once(open_house: House) -> None:
    house = open_house
    await house.tell(created("g1"))
    (told,) = await house.told(LINKED)
    assert await house.ended("group_channel", "g1") is WorkflowExecutionStatus.COMPLETED
    (asked,) = house.channels.requests
    assert asked.name == "name of g1"
    assert asked.correlation == encode("group_channel", "g1")
    assert told["data"] == {"relationship": "group_channel", "parent": "g1", "child": "channel-of-name of g1"}
    assert told["correlation"] == asked.correlation
    assert told["causation"] == "ChannelCreated-channel-of-name of g1-1"
    assert await house.links("group_channel") == {"channel-of-name of g1": "g1"}
    assert (await house.result("group_channel", "g1"))["state"] == "complete"
    await house.at_rest()
    assert len(await house.facts(LINKED)) == 1


async def test_what_is_asked_again_is_what_was_asked_first_although_the_group_has_changed(open_house: House) -> None:
    house = open_house
    house.channels.answers = [httpx2.Response(503) for _ in range(3)]
    await house.tell(created("g1"))

    async def asked() -> bool:
        return len(house.channels.requests) > 0

    await until(asked)
    await house.tell(event("GroupRenamed", "g1", 2, name="renamed"))
    await house.told(LINKED)
    assert {(one.key, one.name) for one in house.channels.requests} == {(house.channels.requests[0].key, "name of g1")}
    assert len(house.channels.requests) == 4


async def test_what_never_reached_its_owner_is_asked_as_the_group_is_now(house: House) -> None:
    owners, house.owners = house.owners, {}
    async with house.open():
        await house.tell(created("g1"))

        async def noted() -> bool:
            wait = await house.wait("group_channel", "g1")
            return wait is not None and "no address" in wait["note"]

        await until(noted)
        await house.tell(event("GroupRenamed", "g1", 2, name="renamed"))
    house.owners = owners
    async with house.open():
        await house.skip("group_channel", "g1", timedelta(minutes=5))
        await house.told(LINKED)
    assert [one.name for one in house.channels.requests] == ["renamed"]
    await house.at_rest()


async def test_all_orders_of_the_facts_end_in_the_same(open_house: House) -> None:
    house = open_house
    house.channels.silent = True
    orders = list(permutations(range(4)))
    for number, order in enumerate(orders):
        group = f"g{number}"
        facts = [
            created(group),
            channel(f"c{number}", group),
            event("GroupRenamed", group, 2, name="renamed"),
            created(group),
        ]
        for place in order:
            await house.tell(facts[place])
    told = await house.told(LINKED, len(orders), 60)
    assert sorted(row["data"]["parent"] for row in told) == sorted(f"g{n}" for n in range(len(orders)))
    await house.at_rest()
    assert await house.links("group_channel") == {f"c{n}": f"g{n}" for n in range(len(orders))}
    for number in range(len(orders)):
        assert await house.ended("group_channel", f"g{number}") is WorkflowExecutionStatus.COMPLETED
    assert len(await house.facts(LINKED)) == len(orders)
    assert set(house.channels.attempts().values()) <= {1}


async def test_a_channel_without_a_group_starts_nothing(open_house: House) -> None:
    await open_house.tell(channel("alone", None), event("ChannelRenamed", "alone", 2, name="still alone"))
    assert await open_house.count("intents") == await open_house.count("waits") == 0
    assert not open_house.channels.requests


async def test_a_channel_that_comes_first_is_linked_without_asking(open_house: House) -> None:
    house = open_house
    await house.tell(channel("c1", "g1"))
    wait = await house.waiting("group_channel", "g1")
    assert (wait["lacks"], wait["debtor"]) == ("parent", "groups")
    await house.tell(created("g1"))
    await house.told(LINKED)
    assert await house.ended("group_channel", "g1") is WorkflowExecutionStatus.COMPLETED
    await house.at_rest()
    assert not house.channels.requests


async def test_two_channels_of_one_group_are_announced_once(open_house: House) -> None:
    house = open_house
    house.channels.silent = True
    await house.tell(created("g1"), channel("c1", "g1"))
    await house.told(LINKED)
    await house.ended("group_channel", "g1")
    await house.tell(channel("c2", "g1", 2))
    await house.at_rest()
    await house.ended("group_channel", "g1")
    assert await house.links("group_channel") == {"c1": "g1", "c2": "g1"}
    assert [row["key"] for row in await house.facts(LINKED)] == ["c1"]


async def test_a_group_that_is_deleted_is_waited_for_no_more(open_house: House) -> None:
    house = open_house
    house.channels.silent = True
    await house.tell(created("g1"))
    await house.waiting("group_channel", "g1")
    await house.tell(event("GroupDeleted", "g1", 2))
    assert await house.ended("group_channel", "g1") is WorkflowExecutionStatus.COMPLETED
    assert (await house.result("group_channel", "g1"))["state"] == "over"
    await house.at_rest()


async def test_a_new_life_of_a_group_is_asked_for_by_a_new_key(open_house: House) -> None:
    house = open_house
    house.channels.silent = True
    await house.tell(created("g1"))
    await house.waiting("group_channel", "g1")
    await house.tell(event("GroupDeleted", "g1", 2))
    await house.tell(created("g1", 3))

    async def asked_twice() -> bool:
        return len(house.channels.attempts()) == 2

    await until(asked_twice)
