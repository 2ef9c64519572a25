"""Every order of a few facts ends in the same rows, in one batch or one by one."""

from collections.abc import Sequence
from itertools import permutations

from tests.support.events import Event
from tests.support.model_facts import say
from tests.support.tenants import Tether

FOUNDED = say("GroupCreated", "g", 1, name="Divers")
OPENED = say("ChannelCreated", "c", 1, name="Divers", asked_by="g")
RENAMED = say("GroupRenamed", "g", 2, name="Wreck divers")


async def ends_the_same(tether: Tether, told: Sequence[Event]) -> None:
    wanted, waits = None, None
    for order in permutations(told):
        for batches in ([order], [[event] for event in order]):
            one = tether.other()
            await one.deliver(batches)
            rows = await one.rows()
            if wanted is None:
                await one.holds(told)
                wanted, waits = rows, await one.waits()
            assert rows == wanted, [event["id"] for event in order]
            assert await one.waits() == waits


async def test_all_orders_of_group_channel_rename_and_repeat_give_same_rows(tether: Tether) -> None:
    await ends_the_same(tether, [FOUNDED, OPENED, RENAMED, dict(FOUNDED)])


async def test_group_and_its_channel_are_linked_without_a_wait(tether: Tether) -> None:
    await tether.deliver([[OPENED], [RENAMED], [FOUNDED], [FOUNDED]])
    entities, links = await tether.rows()
    assert [(e["key"], e["state"], e["data"]) for e in entities] == [
        ("c", "live", {"name": "Divers"}),
        ("g", "live", {"name": "Wreck divers"}),
    ]
    assert [(one["child"], one["parent"]) for one in links] == [("c", "g")]
    assert await tether.waits() == {}


async def test_all_orders_of_delete_recreate_and_move_give_same_rows(tether: Tether) -> None:
    told = [
        say("ItemAdded", "lamp", 1, name="Lamp", category="light"),
        say("ItemUpdated", "lamp", 2, category="outdoors"),
        say("CategoryAdded", "light", 1, name="Light"),
        say("CategoryRemoved", "light", 2),
        say("CategoryAdded", "light", 3, name="Light again"),
    ]
    await ends_the_same(tether, told)


async def test_all_orders_around_deletion_of_a_child_give_same_rows(tether: Tether) -> None:
    told = [
        say("ItemAdded", "lamp", 1, name="Lamp", category="light"),
        say("ItemRemoved", "lamp", 3),
        say("ItemUpdated", "lamp", 2, category="gone with it"),
        say("ItemAdded", "lamp", 4, name="Lantern"),
        say("ItemUpdated", "lamp", 5, category="light"),
    ]
    await ends_the_same(tether, told)


async def test_all_orders_of_two_channels_for_one_group_give_same_rows(tether: Tether) -> None:
    told = [
        FOUNDED,
        say("ChannelCreated", "c", 2, name="C", asked_by="g"),
        say("ChannelCreated", "b", 1, name="B", asked_by="g"),
        say("ChannelDeleted", "b", 2),
        say("ChannelCreated", "b", 3, name="B again", asked_by="g"),
    ]
    await ends_the_same(tether, told)
