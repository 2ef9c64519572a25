"""Explicit links and unlinks: they wait until both sides exist, and last until a later fact of the child's owner."""

from datetime import timedelta

import pytest

from errors import Conflict, Unacceptable, Unknown
from facts.correlation import encode
from messages.operation_reasons import describe_operation
from store.operations import links, relationship_status
from tests.support.events import Event, event
from tests.support.eventually import eventually
from tests.support.harness import Harness

pytestmark = pytest.mark.stack

A_DAY = timedelta(hours=24, seconds=1)


def group(key: str = "g1", sequence: int = 1) -> Event:
    return event("GroupCreated", key, sequence, name=key)


def channel(key: str = "c1", sequence: int | None = 1) -> Event:
    return event("ChannelCreated", key, sequence, name=key)


def item(key: str = "i1", sequence: int = 1, category: str | None = None) -> Event:
    return event("ItemAdded", key, sequence, name=key, category=category)


CATEGORY = event("CategoryAdded", "books", name="Books")


async def test_existing_entities_are_linked_at_once(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(CATEGORY, item())
    row = await harness.wait_for_operation(await harness.link("category_item", "books", "i1"), "done")
    assert await harness.links("category_item") == {"i1": "books"}
    (linked,) = await harness.facts("Linked")
    assert row.revision == linked["revision"]
    assert describe_operation(row) == ""
    await harness.wait_until_at_rest()
    await harness.wait_for_end("category_item", "books")


@pytest.mark.parametrize("order", [("parent", "child"), ("child", "parent")])
async def test_explicit_link_waits_until_both_sides_exist(running_harness: Harness, order: tuple[str, str]) -> None:
    harness = running_harness
    id = await harness.link("category_item", "books", "i1")
    await harness.wait_until_waiting("category_item", "books")
    facts = {"parent": CATEGORY, "child": item()}
    await harness.record(facts[order[0]])
    await harness.wait_until_waiting("category_item", "books")
    assert (await harness.operation(id)).state == "waiting"
    await harness.record(facts[order[1]])
    await harness.wait_for_operation(id, "done")
    assert await harness.links("category_item") == {"i1": "books"}
    await harness.wait_until_at_rest()


async def test_group_is_linked_to_an_existing_channel(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(group(), channel(sequence=None))
    await harness.wait_for_operation(await harness.link("group_channel", "g1", "c1"), "done")
    (announced,) = await harness.wait_for_facts("GroupChannelLinked")
    assert announced["key"] == "c1"
    await harness.wait_until_at_rest()
    assert await harness.links("group_channel") == {"c1": "g1"}


async def test_explicit_link_expires_at_its_deadline(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(CATEGORY)
    id = await harness.link("category_item", "books", "i1")
    await harness.wait_until_waiting("category_item", "books")
    await harness.skip("category_item", "books", A_DAY)
    row = await harness.wait_for_operation(id, "expired")
    assert (row.ended_because, row.end_details) == ("entity_missing", {"kind": "item", "key": "i1"})
    await harness.wait_until_at_rest()
    await harness.wait_for_end("category_item", "books")
    await harness.record(item())
    assert await harness.links("category_item") == {}


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        (event("CategoryRemoved", "books", 2), "category books is deleted"),
        (event("ItemRemoved", "i1", 2), "item i1 is deleted"),
    ],
)
async def test_deleted_entity_is_not_linked(running_harness: Harness, gone: Event, reason: str) -> None:
    harness = running_harness
    await harness.record(CATEGORY, item(), gone)
    row = await harness.wait_for_operation(await harness.link("category_item", "books", "i1"), "refused")
    assert describe_operation(row) == reason
    await harness.wait_until_at_rest()


async def test_deletion_while_waiting_refuses_the_explicit_link(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(CATEGORY)
    id = await harness.link("category_item", "books", "i1")
    await harness.wait_until_waiting("category_item", "books")
    await harness.record(event("CategoryRemoved", "books", 2))
    await harness.wait_for_operation(id, "refused")
    await harness.wait_until_at_rest()


async def test_same_idempotency_key_is_the_same_operation(harness: Harness) -> None:
    first = await harness.link("category_item", "books", "i1", key="k")
    assert await harness.link("category_item", "books", "i1", key="k") == first
    assert await harness.count_rows("outbox") == 1
    with pytest.raises(Conflict):
        await harness.link("category_item", "books", "i2", key="k")
    with pytest.raises(Conflict):
        await harness.link("category_item", "books", "i1", "unlink", key="k")


async def test_unlink_without_link_is_unknown(harness: Harness) -> None:
    with pytest.raises(Unknown, match="item 'i1' has no link in category_item"):
        await harness.link("category_item", None, "i1", "unlink")


async def test_key_that_cannot_be_stored_is_refused(harness: Harness) -> None:
    for parent, child in (("a\x00", "b"), ("a", "\ud800")):
        with pytest.raises(Unacceptable):
            await harness.link("category_item", parent, child)


async def test_unlinked_child_can_be_linked_again(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(CATEGORY, item(category="books"))
    await harness.wait_for_operation(await harness.link("category_item", None, "i1", "unlink"), "done")
    assert await harness.links("category_item") == {}
    await harness.wait_for_operation(await harness.link("category_item", "books", "i1"), "done")
    assert await harness.links("category_item") == {"i1": "books"}
    await harness.wait_until_at_rest()


async def test_later_fact_of_the_owner_overrides_an_explicit_link(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(CATEGORY, event("CategoryAdded", "films", name="Films"), item(category="films"))
    await harness.wait_for_operation(await harness.link("category_item", "books", "i1"), "done")
    assert await harness.links("category_item") == {"i1": "books"}
    await harness.record(event("ItemUpdated", "i1", 2, name="renamed"))
    assert await harness.links("category_item") == {"i1": "books"}
    await harness.record(event("ItemUpdated", "i1", 3, category="films"))
    assert await harness.links("category_item") == {"i1": "films"}


async def test_unlink_of_a_moved_child_is_refused(harness: Harness) -> None:
    await harness.record(CATEGORY, item(category="books"), event("CategoryAdded", "films", name="Films"))
    id = await harness.link("category_item", None, "i1", "unlink")
    await harness.record(event("ItemUpdated", "i1", 2, category="films"))
    async with harness.running():
        row = await harness.wait_for_operation(id, "refused")
    assert row.ended_because == "not_linked"
    assert describe_operation(row) == "item i1 is not linked to category books any more"
    assert await harness.links("category_item") == {"i1": "films"}


async def test_all_operations_of_one_parent_end(running_harness: Harness) -> None:
    harness = running_harness
    children = [f"i{n}" for n in range(3 * links.AT_ONCE + 1)]
    ids = [await harness.link("category_item", "books", child) for child in children]
    await harness.record(CATEGORY, *[item(child) for child in children[1:]])
    for id in ids[1:]:
        await harness.wait_for_operation(id, "done")
    assert (await harness.operation(ids[0])).state == "waiting"
    await harness.record(item(children[0]))
    await harness.wait_for_operation(ids[0], "done")
    assert await harness.links("category_item") == dict.fromkeys(children, "books")
    await harness.wait_until_at_rest()


async def test_operation_requested_as_its_workflow_ends_is_carried_out(harness: Harness) -> None:
    """The request opens no revision: its outbox row must not be taken for one that the workflow has processed."""
    relationship = harness.relationship("category_item")
    await harness.record(CATEGORY, item())
    status = await relationship_status.look(harness.pool, harness.tenant, relationship, "books")
    id = await harness.link("category_item", "books", "i1")
    newer = await relationship_status.conclude(
        harness.pool, harness.catalog, harness.tenant, relationship, "books", status, None
    )
    assert newer
    assert await harness.count_rows("outbox") == 1
    async with harness.running():
        await harness.wait_for_operation(id, "done")
        await harness.wait_until_at_rest()


async def test_explicit_link_stays_when_the_requested_child_comes(running_harness: Harness) -> None:
    """The group then has two channels; only the first is announced."""
    harness = running_harness
    harness.channels.silent = True
    await harness.record(channel("old"), group())
    await harness.wait_for_operation(await harness.link("group_channel", "g1", "old"), "done")
    await harness.wait_for_facts("GroupChannelLinked")
    await harness.record(event("ChannelCreated", "new", 2, correlation=encode("group_channel", "g1"), name="new"))

    async def both() -> bool:
        return await harness.links("group_channel") == {"old": "g1", "new": "g1"}

    await eventually(both)
    await harness.wait_until_at_rest()
    assert [row["key"] for row in await harness.facts("GroupChannelLinked")] == ["old"]


async def test_waiting_operation_does_not_delay_overdue(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(group())
    id = await harness.link("group_channel", "g1", "c1")
    await harness.pool.execute("update operations set due = due + interval '1 day' where id = $1", id)
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.skip("group_channel", "g1", A_DAY)
    await harness.wait_for_facts("RelationshipOverdue")
    assert (await harness.operation(id)).state == "waiting"
    assert await harness.is_open("group_channel", "g1")
    await harness.record(channel())
    await harness.wait_for_operation(id, "done")
    await harness.wait_for_facts("GroupChannelLinked")
    await harness.wait_until_at_rest()
