"""Explicit links and unlinks: they wait until both sides exist, and hold until the child's owner says otherwise."""

from datetime import timedelta

import pytest

from errors import Conflict, Unacceptable, Unknown
from facts.correlation import encode
from store.operations import links, relationship_status
from tests.support.harness import Event, House, event, until

pytestmark = pytest.mark.stack

A_DAY = timedelta(hours=24, seconds=1)


def group(key: str = "g1", sequence: int = 1) -> Event:
    return event("GroupCreated", key, sequence, name=key)


def channel(key: str = "c1", sequence: int | None = 1) -> Event:
    return event("ChannelCreated", key, sequence, name=key)


def item(key: str = "i1", sequence: int = 1, category: str | None = None) -> Event:
    return event("ItemAdded", key, sequence, name=key, category=category)


CATEGORY = event("CategoryAdded", "books", name="Books")


async def test_two_that_exist_are_linked_at_once(open_house: House) -> None:
    house = open_house
    await house.tell(CATEGORY, item())
    row = await house.operated(await house.link("category_item", "books", "i1"), "done")
    assert await house.links("category_item") == {"i1": "books"}
    (linked,) = await house.facts("Linked")
    assert row["revision"] == linked["revision"]
    assert row["reason"] == ""
    await house.at_rest()
    await house.ended("category_item", "books")


@pytest.mark.parametrize("order", [("parent", "child"), ("child", "parent")])
async def test_it_waits_until_both_exist(open_house: House, order: tuple[str, str]) -> None:
    house = open_house
    id = await house.link("category_item", "books", "i1")
    await house.waiting("category_item", "books")
    facts = {"parent": CATEGORY, "child": item()}
    await house.tell(facts[order[0]])
    await house.waiting("category_item", "books")
    assert (await house.operation(id))["state"] == "waiting"
    await house.tell(facts[order[1]])
    await house.operated(id, "done")
    assert await house.links("category_item") == {"i1": "books"}
    await house.at_rest()


async def test_a_group_is_linked_to_a_channel_that_was_there_before(open_house: House) -> None:
    house = open_house
    house.channels.silent = True
    await house.tell(group(), channel(sequence=None))
    await house.operated(await house.link("group_channel", "g1", "c1"), "done")
    (told,) = await house.told("GroupChannelLinked")
    assert told["key"] == "c1"
    await house.at_rest()
    assert await house.links("group_channel") == {"c1": "g1"}


async def test_at_its_deadline_an_operation_expires(open_house: House) -> None:
    house = open_house
    await house.tell(CATEGORY)
    id = await house.link("category_item", "books", "i1")
    await house.waiting("category_item", "books")
    await house.skip("category_item", "books", A_DAY)
    row = await house.operated(id, "expired")
    assert row["reason"] == "item i1 was not heard of in time"
    await house.at_rest()
    await house.ended("category_item", "books")
    await house.tell(item())
    assert await house.links("category_item") == {}


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        (event("CategoryRemoved", "books", 2), "category books is deleted"),
        (event("ItemRemoved", "i1", 2), "item i1 is deleted"),
    ],
)
async def test_what_is_deleted_is_not_linked(open_house: House, gone: Event, reason: str) -> None:
    house = open_house
    await house.tell(CATEGORY, item(), gone)
    row = await house.operated(await house.link("category_item", "books", "i1"), "refused")
    assert row["reason"] == reason
    await house.at_rest()


async def test_one_that_is_deleted_while_it_is_waited_for_refuses_the_operation(open_house: House) -> None:
    house = open_house
    await house.tell(CATEGORY)
    id = await house.link("category_item", "books", "i1")
    await house.waiting("category_item", "books")
    await house.tell(event("CategoryRemoved", "books", 2))
    await house.operated(id, "refused")
    await house.at_rest()


async def test_the_same_idempotency_key_is_the_same_operation(house: House) -> None:
    first = await house.link("category_item", "books", "i1", key="k")
    assert await house.link("category_item", "books", "i1", key="k") == first
    assert await house.count("intents") == 1
    with pytest.raises(Conflict):
        await house.link("category_item", "books", "i2", key="k")
    with pytest.raises(Conflict):
        await house.link("category_item", "books", "i1", "unlink", key="k")


async def test_an_unlink_of_nothing_is_unknown(house: House) -> None:
    with pytest.raises(Unknown, match="item 'i1' has no link in category_item"):
        await house.link("category_item", None, "i1", "unlink")


async def test_a_text_that_cannot_be_stored_is_refused(house: House) -> None:
    for parent, child in (("a\x00", "b"), ("a", "\ud800")):
        with pytest.raises(Unacceptable):
            await house.link("category_item", parent, child)


async def test_unlink_then_link_again(open_house: House) -> None:
    house = open_house
    await house.tell(CATEGORY, item(category="books"))
    await house.operated(await house.link("category_item", None, "i1", "unlink"), "done")
    assert await house.links("category_item") == {}
    await house.operated(await house.link("category_item", "books", "i1"), "done")
    assert await house.links("category_item") == {"i1": "books"}
    await house.at_rest()


async def test_the_owners_later_word_overrides_an_explicit_link(open_house: House) -> None:
    house = open_house
    await house.tell(CATEGORY, event("CategoryAdded", "films", name="Films"), item(category="films"))
    await house.operated(await house.link("category_item", "books", "i1"), "done")
    assert await house.links("category_item") == {"i1": "books"}
    await house.tell(event("ItemUpdated", "i1", 2, name="renamed"))
    assert await house.links("category_item") == {"i1": "books"}
    await house.tell(event("ItemUpdated", "i1", 3, category="films"))
    assert await house.links("category_item") == {"i1": "films"}


async def test_an_unlink_of_a_child_that_has_moved_on_is_refused(house: House) -> None:
    await house.tell(CATEGORY, item(category="books"), event("CategoryAdded", "films", name="Films"))
    id = await house.link("category_item", None, "i1", "unlink")
    await house.tell(event("ItemUpdated", "i1", 2, category="films"))
    async with house.open():
        row = await house.operated(id, "refused")
    assert row["reason"] == "item i1 is not linked to category books any more"
    assert await house.links("category_item") == {"i1": "films"}


async def test_many_operations_of_one_parent_all_end(open_house: House) -> None:
    house = open_house
    children = [f"i{n}" for n in range(3 * links.AT_ONCE + 1)]
    ids = [await house.link("category_item", "books", child) for child in children]
    await house.tell(CATEGORY, *[item(child) for child in children[1:]])
    for id in ids[1:]:
        await house.operated(id, "done")
    assert (await house.operation(ids[0]))["state"] == "waiting"
    await house.tell(item(children[0]))
    await house.operated(ids[0], "done")
    assert await house.links("category_item") == dict.fromkeys(children, "books")
    await house.at_rest()


async def test_an_operation_that_comes_while_its_workflow_leaves_is_not_forgotten(house: House) -> None:
    """It opens no revision: to the workflow, its intent looks like one that was read."""
    relationship = house.relationship("category_item")
    await house.tell(CATEGORY, item())
    standing = await relationship_status.look(house.pool, house.tenant, relationship, "books")
    id = await house.link("category_item", "books", "i1")
    newer = await relationship_status.conclude(
        house.pool, house.catalog, house.tenant, relationship, "books", standing, None
    )
    assert newer
    assert await house.count("intents") == 1
    async with house.open():
        await house.operated(id, "done")
        await house.at_rest()


async def test_a_link_by_hand_is_not_undone_by_the_answer_that_was_asked_for(open_house: House) -> None:
    """The group then has two channels, and the one that was there first holds the link."""
    house = open_house
    house.channels.silent = True
    await house.tell(channel("old"), group())
    await house.operated(await house.link("group_channel", "g1", "old"), "done")
    await house.told("GroupChannelLinked")
    await house.tell(event("ChannelCreated", "new", 2, correlation=encode("group_channel", "g1"), name="new"))

    async def both() -> bool:
        return await house.links("group_channel") == {"old": "g1", "new": "g1"}

    await until(both)
    await house.at_rest()
    assert [row["key"] for row in await house.facts("GroupChannelLinked")] == ["old"]


async def test_an_operation_that_waits_does_not_keep_the_debtor_from_being_told(open_house: House) -> None:
    house = open_house
    house.channels.silent = True
    await house.tell(group())
    id = await house.link("group_channel", "g1", "c1")
    await house.pool.execute("update operations set due = due + interval '1 day' where id = $1", id)
    await house.waiting("group_channel", "g1")
    await house.skip("group_channel", "g1", A_DAY)
    await house.told("RelationshipOverdue")
    assert (await house.operation(id))["state"] == "waiting"
    assert await house.is_open("group_channel", "g1")
    await house.tell(channel())
    await house.operated(id, "done")
    await house.told("GroupChannelLinked")
    await house.at_rest()
