"""What happens when what is waited for does not come, or comes late. The workflow's clock is put forward."""

from datetime import timedelta

import httpx2
import pytest

from facts.correlation import encode
from store.operations import relationship_status
from tests.support.harness import House, event, until

pytestmark = pytest.mark.stack

A_DAY = timedelta(hours=24, seconds=1)
OVERDUE, LINKED = "RelationshipOverdue", "GroupChannelLinked"


async def patience_ends(house: House) -> None:
    """As if the waits had begun long ago."""
    await house.pool.execute("update waits set start_at = now() where tenant = $1", house.tenant)


async def begun(house: House, group: str = "g1") -> None:
    """A group whose channel is waited for."""
    house.channels.silent = True
    await house.tell(event("GroupCreated", group, name=group))
    await house.waiting("group_channel", group)


async def test_at_the_deadline_the_debtor_is_told_once_and_the_workflow_ends(open_house: House) -> None:
    house = open_house
    await begun(house)
    wait = await house.wait("group_channel", "g1")
    assert wait["due"] - wait["since"] == timedelta(hours=24)
    await house.skip("group_channel", "g1", A_DAY)
    (told,) = await house.told(OVERDUE)
    assert (await house.result("group_channel", "g1"))["state"] == "overdue"
    assert told["data"]["debtor"] == "channels"
    assert told["data"]["lacks"] == "child"
    wait = await house.wait("group_channel", "g1")
    assert wait["told_at"] is not None
    assert await house.count("intents") == 0
    assert len(await house.facts(OVERDUE)) == 1


async def test_before_the_deadline_nobody_is_told(open_house: House) -> None:
    house = open_house
    await begun(house)
    await house.skip("group_channel", "g1", timedelta(hours=23))
    assert await house.is_open("group_channel", "g1")
    assert not await house.facts(OVERDUE)


async def test_a_late_fact_completes_and_is_announced(open_house: House) -> None:
    house = open_house
    await begun(house)
    await house.skip("group_channel", "g1", A_DAY)
    await house.told(OVERDUE)
    await house.ended("group_channel", "g1")
    await house.tell(event("ChannelCreated", "c1", correlation=encode("group_channel", "g1"), name="late"))
    await house.told(LINKED)
    await house.at_rest()
    await house.ended("group_channel", "g1")
    assert (await house.result("group_channel", "g1"))["state"] == "complete"
    assert len(await house.facts(OVERDUE)) == 1


async def test_a_refusal_is_noted_and_the_deadline_stands(open_house: House) -> None:
    house = open_house
    house.channels.answers = [httpx2.Response(422, text="no more channels")]
    await house.tell(event("GroupCreated", "g1", name="g1"))

    async def noted() -> str:
        wait = await house.wait("group_channel", "g1")
        return wait["note"] if wait is not None else ""

    assert await until(noted) == "CreateChannel at channels refused with 422: no more channels"

    async def shown() -> bool:
        progress = await house.handle("group_channel", "g1").query("progress")
        return "no more channels" in progress["says"]

    await until(shown)
    assert await house.is_open("group_channel", "g1")
    await house.skip("group_channel", "g1", A_DAY)
    await house.told(OVERDUE)
    await house.ended("group_channel", "g1")
    assert len(house.channels.requests) == 1


async def test_an_owner_who_is_away_is_asked_again_by_the_same_key(open_house: House) -> None:
    house = open_house
    house.channels.answers = [httpx2.Response(503), httpx2.ConnectError("gone"), httpx2.Response(429)]
    await house.tell(event("GroupCreated", "g1", name="g1"))
    await house.waiting("group_channel", "g1")
    await house.skip("group_channel", "g1", timedelta(hours=1))
    await house.told(LINKED)
    assert list(house.channels.attempts().values()) == [4]
    await house.at_rest()


async def test_an_owner_who_is_away_for_a_day_is_overdue(open_house: House) -> None:
    house = open_house
    house.channels.answers = [httpx2.Response(503, headers={"retry-after": "7200"}) for _ in range(100)]
    await house.tell(event("GroupCreated", "g1", name="g1"))
    await house.waiting("group_channel", "g1")
    await house.skip("group_channel", "g1", A_DAY)
    await house.told(OVERDUE)
    await house.ended("group_channel", "g1")
    assert "answered 503" in (await house.wait("group_channel", "g1"))["note"]
    assert len(set(house.channels.attempts())) == 1


async def test_a_missing_parent_has_no_workflow_before_patience_ends_and_one_after_it(open_house: House) -> None:
    house = open_house
    await house.tell(*[event("ItemAdded", f"i{n}", name="x", category="books") for n in range(50)])
    wait = await house.wait("category_item", "books")
    assert (wait["lacks"], wait["debtor"], wait["started_at"]) == ("parent", "categories", None)
    assert await house.dispatcher.round() is False
    assert not await house.is_open("category_item", "books")
    await patience_ends(house)
    await house.waiting("category_item", "books")
    await house.tell(event("ItemAdded", "late", name="x", category="books"))
    assert await house.count("waits") == 1
    assert await house.count("intents") == 0
    history = await house.handle("category_item", "books").fetch_history()
    signals = [e for e in history.events if e.HasField("workflow_execution_signaled_event_attributes")]
    assert [s.workflow_execution_signaled_event_attributes.signal_name for s in signals] == ["PatienceEnded"]


async def test_a_parent_that_arrives_ends_its_workflow(open_house: House) -> None:
    house = open_house
    await house.tell(event("ItemAdded", "i1", name="x", category="books"))
    await patience_ends(house)
    await house.waiting("category_item", "books")
    await house.tell(event("CategoryAdded", "books", name="Books"))
    assert (await house.result("category_item", "books"))["state"] == "complete"
    await house.at_rest()


async def test_a_parent_that_arrives_within_patience_has_no_workflow(open_house: House) -> None:
    house = open_house
    await house.tell(event("ItemAdded", "i1", name="x", category="books"))
    await house.tell(event("CategoryAdded", "books", name="Books"))
    assert await house.count("waits") == await house.count("intents") == 0
    assert not await house.is_open("category_item", "books")


async def test_a_child_that_comes_after_the_deadline_waits_anew(open_house: House) -> None:
    house = open_house
    await house.tell(event("ItemAdded", "i1", name="x", category="books"))
    await patience_ends(house)
    await house.waiting("category_item", "books")
    await house.skip("category_item", "books", A_DAY)
    await house.told(OVERDUE)
    await house.ended("category_item", "books")
    first = await house.wait("category_item", "books")
    await house.tell(event("ItemAdded", "i2", name="y", category="books"))
    wait = await house.wait("category_item", "books")
    assert (wait["told_at"], wait["started_at"]) == (None, None)
    assert wait["due"] > first["due"]
    await patience_ends(house)
    await house.waiting("category_item", "books")
    await house.skip("category_item", "books", A_DAY)
    await house.told(OVERDUE, 2)
    await house.ended("category_item", "books")


async def test_a_parent_that_arrives_after_the_deadline_completes_the_wait(open_house: House) -> None:
    house = open_house
    await house.tell(event("ItemAdded", "i1", name="x", category="books"))
    await patience_ends(house)
    await house.waiting("category_item", "books")
    await house.skip("category_item", "books", A_DAY)
    await house.told(OVERDUE)
    await house.ended("category_item", "books")
    await house.tell(event("CategoryAdded", "books", name="Books"))
    await house.at_rest()
    await house.ended("category_item", "books")
    assert (await house.result("category_item", "books"))["state"] == "complete"


async def test_a_wait_that_began_anew_meanwhile_is_not_overdue(house: House) -> None:
    relationship = house.relationship("group_channel")
    await house.tell(event("GroupCreated", "g1", name="g1"))
    wait = await house.wait("group_channel", "g1")
    just_before = wait["due"] - timedelta(microseconds=1)
    for now, told in ((just_before, False), (wait["due"], True), (wait["due"], False)):
        done = await relationship_status.tell_overdue(house.pool, house.catalog, house.tenant, relationship, "g1", now)
        assert done is told
