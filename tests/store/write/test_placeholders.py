"""Placeholders and waits: they exist exactly while a parent is missing that a child refers to."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.events import Event
from tests.support.model_facts import say
from tests.support.tenants import Tether

LAMP = say("ItemAdded", "lamp", 1, name="Lamp", category="light")
AWAITED = ("category_item", "light", "parent", "categories")


async def placeholders(tether: Tether) -> set[str]:
    rows = await tether.pool.fetch(
        "select key from entities where state = 'unknown' and to_revision = 9223372036854775807"
    )
    return {row["key"] for row in rows}


async def the_wait(tether: Tether) -> Any:
    return await tether.pool.fetchrow("select *, due > now() as ahead from waits")


async def tell(tether: Tether, told: list[Event], *events: Event) -> None:
    """And be sure that all is well afterwards."""
    await tether.tell(*events)
    told += events
    await tether.holds(told)


async def test_missing_parent_has_placeholder_and_wait_until_it_arrives(tether: Tether) -> None:
    told: list[Event] = []
    await tell(tether, told, LAMP)
    assert (await placeholders(tether), await tether.waits()) == ({"light"}, {AWAITED: 1})
    row = await the_wait(tether)
    since = row["waiting_since"]
    assert (row["due"] - since, row["workflow_after"] - since) == (timedelta(hours=24), timedelta(seconds=60))
    assert (row["workflow_started_at"], row["overdue_notified_at"]) == (None, None)
    await tell(tether, told, say("CategoryAdded", "light", 1, name="Light"))
    assert (await placeholders(tether), await tether.waits()) == (set(), {})


@pytest.mark.parametrize("fact", ["moved", "cleared", "deleted"])
async def test_placeholder_and_wait_exist_only_while_a_child_does(tether: Tether, fact: str) -> None:
    leaving = {
        "moved": say("ItemUpdated", "lamp", 2, category="outdoors"),
        "cleared": say("ItemUpdated", "lamp", 2, category=None),
        "deleted": say("ItemRemoved", "lamp", 2),
    }[fact]
    told: list[Event] = []
    await tell(tether, told, LAMP, say("ItemAdded", "torch", 1, name="Torch", category="light"))
    await tell(tether, told, leaving)
    assert "light" in await placeholders(tether)
    assert AWAITED in await tether.waits()
    await tell(tether, told, say("ItemUpdated", "torch", 2, category=None))
    assert "light" not in await placeholders(tether)
    assert AWAITED not in await tether.waits()
    await tell(tether, told, say("ItemAdded", "lamp", 3, name="Lamp", category="light"))
    assert await placeholders(tether) == {"light"}
    assert await tether.waits() == {AWAITED: 1}


async def test_children_swapped_in_one_batch_keep_the_placeholder(tether: Tether) -> None:
    told: list[Event] = []
    await tell(tether, told, LAMP)
    leaving = say("ItemUpdated", "lamp", 2, category=None)
    await tell(tether, told, leaving, say("ItemAdded", "torch", 1, name="Torch", category="light"))
    assert await placeholders(tether) == {"light"}
    since = await tether.pool.fetchval("select from_revision from entities where key = 'light'")
    assert since == 1


async def test_same_key_of_two_kinds_has_two_placeholders(tether: Tether) -> None:
    told: list[Event] = []
    await tell(tether, told, LAMP, say("ChannelCreated", "c", 1, name="C", asked_by="light"))
    await tell(tether, told, say("ItemUpdated", "lamp", 2, category=None))
    assert await tether.waits() == {("group_channel", "light", "parent", "groups"): 1}
    await tell(tether, told, say("GroupCreated", "light", 1, name="Light"))


async def test_parent_and_child_in_one_batch_never_wait(tether: Tether) -> None:
    await tell(tether, [], LAMP, say("CategoryAdded", "light", 1, name="Light"))
    assert await tether.pool.fetchval("select count(*) from entities where state = 'unknown'") == 0


async def test_parent_whose_first_fact_is_its_deletion_ends_the_wait(tether: Tether) -> None:
    told: list[Event] = []
    await tell(tether, told, LAMP)
    await tell(tether, told, say("CategoryRemoved", "light", 1))
    assert (await placeholders(tether), await tether.waits()) == (set(), {})
    assert b"link|category_item|lamp|light|broken" in await tether.lines()


async def test_recreated_group_waits_for_its_channel_again(tether: Tether) -> None:
    told: list[Event] = []
    awaited = ("group_channel", "g", "child", "channels")
    opened = say("ChannelCreated", "c", 1, name="C", asked_by="g")
    steps = [
        (say("GroupCreated", "g", 1, name="G"), {awaited: 1}),
        (opened, {}),
        (say("ChannelDeleted", "c", 2), {awaited: 1}),
        (say("GroupDeleted", "g", 2), {}),
        (say("GroupCreated", "g", 3, name="G again"), {awaited: 1}),
        (say("ChannelCreated", "c", 3, name="C", asked_by="g"), {}),
    ]
    for fact, waits in steps:
        await tell(tether, told, fact)
        assert await tether.waits() == waits


async def test_notified_wait_begins_again_with_a_new_child(tether: Tether) -> None:
    await tether.tell(LAMP)
    await tether.pool.execute(
        "update waits set overdue_notified_at = now(), workflow_started_at = now(), due = now() - interval '1 hour'"
    )
    await tether.tell(say("ItemAdded", "torch", 1, name="Torch", category="light"))
    row = await the_wait(tether)
    assert (row["overdue_notified_at"], row["workflow_started_at"], row["ahead"]) == (None, None, True)


async def test_wait_keeps_its_deadline_when_more_children_arrive(tether: Tether) -> None:
    await tether.tell(LAMP)
    since = await tether.pool.fetchval("select waiting_since from waits")
    await tether.tell(say("ItemAdded", "torch", 1, name="Torch", category="light"))
    assert await tether.pool.fetchval("select waiting_since from waits") == since


async def intents(tether: Tether) -> list[tuple[str, str, str]]:
    rows = await tether.pool.fetch(
        "select about, key, fact from outbox where workflow = 'relationship' order by revision, fact"
    )
    return [tuple(row) for row in rows]


async def test_requested_instance_is_notified_of_every_change(tether: Tether) -> None:
    await tether.tell(say("GroupCreated", "g", 1, name="G"))
    await tether.tell(say("GroupRenamed", "g", 2, name="G2"))
    await tether.tell(say("ChannelCreated", "c", 1, name="C", asked_by="g"))
    await tether.tell(say("ChannelCreated", "c2", 1, name="C2"))
    await tether.tell(say("GroupDeleted", "g", 3))
    assert await intents(tether) == [
        ("group_channel", "g", "GroupCreated"),
        ("group_channel", "g", "ChannelCreated"),
        ("group_channel", "g", "GroupDeleted"),
    ]


async def test_cascade_is_notified_of_deletion_and_of_late_children(tether: Tether) -> None:
    await tether.tell(say("EventCreated", "e", 1, name="E"), say("EventDeleted", "e", 2))
    await tether.tell(say("EventCreated", "cup", 1, name="Cup"), say("TeamCreated", "t", 1, name="T", event_id="cup"))
    query = "select about, key, fact from outbox where workflow = 'cascade' order by revision"
    assert await tether.pool.fetch(query) == []
    await tether.tell(say("EventDeleted", "cup", 2))
    await tether.tell(say("TeamCreated", "late", 1, name="T", event_id="e"))
    await tether.tell(say("TeamRenamed", "late", 2, name="Too late"))
    assert [tuple(row) for row in await tether.pool.fetch(query)] == [
        ("event", "cup", "EventDeleted"),
        ("event", "e", "TeamCreated"),
    ]


async def test_without_command_only_a_wait_with_a_workflow_is_notified(tether: Tether) -> None:
    await tether.tell(LAMP)
    await tether.tell(say("ItemAdded", "torch", 1, name="Torch", category="dark"))
    await tether.pool.execute("update waits set workflow_started_at = now() where parent = 'light'")
    await tether.tell(say("CategoryAdded", "light", 1, name="Light"), say("CategoryAdded", "dark", 1, name="Dark"))
    assert await intents(tether) == [("category_item", "light", "CategoryAdded")]
