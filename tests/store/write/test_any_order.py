"""Every order of a few facts gives the same rows, in one batch or one by one."""

from collections.abc import Sequence
from itertools import permutations

from tests.support.events import Event, event
from tests.support.tenants import StoreTenant

CREATED = event("GroupCreated", "g", 1, name="Divers")
OPENED = event("ChannelCreated", "c", 1, name="Divers", requested_by="g")
RENAMED = event("GroupRenamed", "g", 2, name="Wreck divers")


async def assert_all_orders_end_the_same(tenant: StoreTenant, events: Sequence[Event]) -> None:
    expected_rows, waits = None, None
    for order in permutations(events):
        for batches in ([order], [[one_event] for one_event in order]):
            one = tenant.other_tenant()
            await one.record_batches(batches)
            rows = await one.rows()
            if expected_rows is None:
                await one.assert_holds(events)
                expected_rows, waits = rows, await one.waits()
            assert rows == expected_rows, [one_event["id"] for one_event in order]
            assert await one.waits() == waits


async def test_all_orders_of_group_channel_rename_and_repeat_give_same_rows(tenant: StoreTenant) -> None:
    await assert_all_orders_end_the_same(tenant, [CREATED, OPENED, RENAMED, dict(CREATED)])


async def test_group_and_its_channel_are_linked_without_a_wait(tenant: StoreTenant) -> None:
    await tenant.record_batches([[OPENED], [RENAMED], [CREATED], [CREATED]])
    entities, links = await tenant.rows()
    assert [(e["key"], e["state"], e["data"]) for e in entities] == [
        ("c", "live", {"name": "Divers"}),
        ("g", "live", {"name": "Wreck divers"}),
    ]
    assert [(one["child"], one["parent"]) for one in links] == [("c", "g")]
    assert await tenant.waits() == {}


async def test_all_orders_of_delete_recreate_and_move_give_same_rows(tenant: StoreTenant) -> None:
    events = [
        event("ItemAdded", "lamp", 1, name="Lamp", category="light"),
        event("ItemUpdated", "lamp", 2, category="outdoors"),
        event("CategoryAdded", "light", 1, name="Light"),
        event("CategoryRemoved", "light", 2),
        event("CategoryAdded", "light", 3, name="Light again"),
    ]
    await assert_all_orders_end_the_same(tenant, events)


async def test_all_orders_around_deletion_of_a_child_give_same_rows(tenant: StoreTenant) -> None:
    events = [
        event("ItemAdded", "lamp", 1, name="Lamp", category="light"),
        event("ItemRemoved", "lamp", 3),
        event("ItemUpdated", "lamp", 2, category="gone with it"),
        event("ItemAdded", "lamp", 4, name="Lantern"),
        event("ItemUpdated", "lamp", 5, category="light"),
    ]
    await assert_all_orders_end_the_same(tenant, events)


async def test_all_orders_of_two_channels_for_one_group_give_same_rows(tenant: StoreTenant) -> None:
    events = [
        CREATED,
        event("ChannelCreated", "c", 2, name="C", requested_by="g"),
        event("ChannelCreated", "b", 1, name="B", requested_by="g"),
        event("ChannelDeleted", "b", 2),
        event("ChannelCreated", "b", 3, name="B again", requested_by="g"),
    ]
    await assert_all_orders_end_the_same(tenant, events)
