"""Placeholders and waits: they exist exactly while a parent is missing to which a child refers."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.events import Event, event
from tests.support.tenants import StoreTenant

LAMP = event("ItemAdded", "lamp", 1, name="Lamp", category="light")
AWAITED = ("category_item", "light", "parent", "categories")


async def placeholders(tenant: StoreTenant) -> set[str]:
    rows = await tenant.pool.fetch(
        "select key from entities where state = 'unknown' and to_revision = 9223372036854775807"
    )
    return {row["key"] for row in rows}


async def find_wait(tenant: StoreTenant) -> Any:
    return await tenant.pool.fetchrow("select *, due > now() as ahead from waits")


async def record_and_check(tenant: StoreTenant, recorded: list[Event], *events: Event) -> None:
    """Records events after those in ``recorded``, adds them to it, and asserts that the tables hold all of them."""
    await tenant.record(*events)
    recorded += events
    await tenant.assert_holds(recorded)


async def test_missing_parent_has_placeholder_and_wait_until_it_arrives(tenant: StoreTenant) -> None:
    recorded: list[Event] = []
    await record_and_check(tenant, recorded, LAMP)
    assert (await placeholders(tenant), await tenant.waits()) == ({"light"}, {AWAITED: 1})
    row = await find_wait(tenant)
    since = row["waiting_since"]
    assert (row["due"] - since, row["workflow_after"] - since) == (timedelta(hours=24), timedelta(seconds=60))
    assert (row["workflow_started_at"], row["overdue_notified_at"]) == (None, None)
    await record_and_check(tenant, recorded, event("CategoryAdded", "light", 1, name="Light"))
    assert (await placeholders(tenant), await tenant.waits()) == (set(), {})


@pytest.mark.parametrize("fact", ["moved", "cleared", "deleted"])
async def test_placeholder_and_wait_exist_only_while_a_child_does(tenant: StoreTenant, fact: str) -> None:
    leaving = {
        "moved": event("ItemUpdated", "lamp", 2, category="outdoors"),
        "cleared": event("ItemUpdated", "lamp", 2, category=None),
        "deleted": event("ItemRemoved", "lamp", 2),
    }[fact]
    recorded: list[Event] = []
    await record_and_check(tenant, recorded, LAMP, event("ItemAdded", "torch", 1, name="Torch", category="light"))
    await record_and_check(tenant, recorded, leaving)
    assert "light" in await placeholders(tenant)
    assert AWAITED in await tenant.waits()
    await record_and_check(tenant, recorded, event("ItemUpdated", "torch", 2, category=None))
    assert "light" not in await placeholders(tenant)
    assert AWAITED not in await tenant.waits()
    await record_and_check(tenant, recorded, event("ItemAdded", "lamp", 3, name="Lamp", category="light"))
    assert await placeholders(tenant) == {"light"}
    assert await tenant.waits() == {AWAITED: 1}


async def test_children_swapped_in_one_batch_keep_the_placeholder(tenant: StoreTenant) -> None:
    recorded: list[Event] = []
    await record_and_check(tenant, recorded, LAMP)
    leaving = event("ItemUpdated", "lamp", 2, category=None)
    await record_and_check(tenant, recorded, leaving, event("ItemAdded", "torch", 1, name="Torch", category="light"))
    assert await placeholders(tenant) == {"light"}
    since = await tenant.pool.fetchval("select from_revision from entities where key = 'light'")
    assert since == 1


async def test_same_key_of_two_kinds_has_two_placeholders(tenant: StoreTenant) -> None:
    recorded: list[Event] = []
    await record_and_check(tenant, recorded, LAMP, event("ChannelCreated", "c", 1, name="C", requested_by="light"))
    await record_and_check(tenant, recorded, event("ItemUpdated", "lamp", 2, category=None))
    assert await tenant.waits() == {("group_channel", "light", "parent", "groups"): 1}
    await record_and_check(tenant, recorded, event("GroupCreated", "light", 1, name="Light"))


async def test_parent_and_child_in_one_batch_never_wait(tenant: StoreTenant) -> None:
    await record_and_check(tenant, [], LAMP, event("CategoryAdded", "light", 1, name="Light"))
    assert await tenant.pool.fetchval("select count(*) from entities where state = 'unknown'") == 0


async def test_parent_whose_first_fact_is_its_deletion_ends_the_wait(tenant: StoreTenant) -> None:
    recorded: list[Event] = []
    await record_and_check(tenant, recorded, LAMP)
    await record_and_check(tenant, recorded, event("CategoryRemoved", "light", 1))
    assert (await placeholders(tenant), await tenant.waits()) == (set(), {})
    assert b"link|category_item|lamp|light|broken" in await tenant.lines()


async def test_recreated_group_waits_for_its_channel_again(tenant: StoreTenant) -> None:
    recorded: list[Event] = []
    awaited = ("group_channel", "g", "child", "channels")
    opened = event("ChannelCreated", "c", 1, name="C", requested_by="g")
    steps = [
        (event("GroupCreated", "g", 1, name="G"), {awaited: 1}),
        (opened, {}),
        (event("ChannelDeleted", "c", 2), {awaited: 1}),
        (event("GroupDeleted", "g", 2), {}),
        (event("GroupCreated", "g", 3, name="G again"), {awaited: 1}),
        (event("ChannelCreated", "c", 3, name="C", requested_by="g"), {}),
    ]
    for fact, waits in steps:
        await record_and_check(tenant, recorded, fact)
        assert await tenant.waits() == waits


async def test_notified_wait_begins_again_with_a_new_child(tenant: StoreTenant) -> None:
    await tenant.record(LAMP)
    await tenant.pool.execute(
        "update waits set overdue_notified_at = now(), workflow_started_at = now(), due = now() - interval '1 hour'"
    )
    await tenant.record(event("ItemAdded", "torch", 1, name="Torch", category="light"))
    row = await find_wait(tenant)
    assert (row["overdue_notified_at"], row["workflow_started_at"], row["ahead"]) == (None, None, True)


async def test_wait_keeps_its_deadline_when_more_children_arrive(tenant: StoreTenant) -> None:
    await tenant.record(LAMP)
    since = await tenant.pool.fetchval("select waiting_since from waits")
    await tenant.record(event("ItemAdded", "torch", 1, name="Torch", category="light"))
    assert await tenant.pool.fetchval("select waiting_since from waits") == since


async def notifications(tenant: StoreTenant) -> list[tuple[str, str, str]]:
    rows = await tenant.pool.fetch(
        "select about, key, fact from outbox where workflow = 'relationship' order by revision, fact"
    )
    return [tuple(row) for row in rows]


async def test_requested_instance_is_notified_of_every_change(tenant: StoreTenant) -> None:
    await tenant.record(event("GroupCreated", "g", 1, name="G"))
    await tenant.record(event("GroupRenamed", "g", 2, name="G2"))
    await tenant.record(event("ChannelCreated", "c", 1, name="C", requested_by="g"))
    await tenant.record(event("ChannelCreated", "c2", 1, name="C2"))
    await tenant.record(event("GroupDeleted", "g", 3))
    assert await notifications(tenant) == [
        ("group_channel", "g", "GroupCreated"),
        ("group_channel", "g", "ChannelCreated"),
        ("group_channel", "g", "GroupDeleted"),
    ]


async def test_cascade_is_notified_of_deletion_and_of_late_children(tenant: StoreTenant) -> None:
    await tenant.record(event("EventCreated", "e", 1, name="E"), event("EventDeleted", "e", 2))
    await tenant.record(
        event("EventCreated", "cup", 1, name="Cup"), event("TeamCreated", "t", 1, name="T", event_id="cup")
    )
    query = "select about, key, fact from outbox where workflow = 'cascade' order by revision"
    assert await tenant.pool.fetch(query) == []
    await tenant.record(event("EventDeleted", "cup", 2))
    await tenant.record(event("TeamCreated", "late", 1, name="T", event_id="e"))
    await tenant.record(event("TeamRenamed", "late", 2, name="Too late"))
    assert [tuple(row) for row in await tenant.pool.fetch(query)] == [
        ("event", "cup", "EventDeleted"),
        ("event", "e", "TeamCreated"),
    ]


async def test_without_command_only_a_wait_with_a_workflow_is_notified(tenant: StoreTenant) -> None:
    await tenant.record(LAMP)
    await tenant.record(event("ItemAdded", "torch", 1, name="Torch", category="dark"))
    await tenant.pool.execute("update waits set workflow_started_at = now() where parent = 'light'")
    await tenant.record(
        event("CategoryAdded", "light", 1, name="Light"), event("CategoryAdded", "dark", 1, name="Dark")
    )
    assert await notifications(tenant) == [("category_item", "light", "CategoryAdded")]
