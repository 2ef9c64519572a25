"""Deletions that are asked for while their entity ends, lives again, or is asked to be deleted once more."""

import pytest

from store.operations import operations
from tests.support.festival import Festival
from tests.support.harness import Event
from tests.workflows.cascade.test_cascades import all_done, at_rest, counts

pytestmark = pytest.mark.stack


async def deleted_and_created_anew(festival: Festival) -> list[Event]:
    """The owner's two facts of it, which nobody was told of."""
    deleted = await festival.post.has("EventDeleted", "a")
    await festival.do("events", "POST", "/events", id="a", name="reborn")
    return [deleted, await festival.post.has("EventCreated", "a")]


@pytest.mark.parametrize("lost_answers", [0, 4])
async def test_a_deletion_that_came_about_lets_the_next_life_be(open_festival: Festival, lost_answers: int) -> None:
    """However often the owner is asked again for want of an answer: what was to be deleted is gone."""
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    festival.post.holding.add("events")
    festival.road.lost["events"] = lost_answers
    id = await festival.ask_delete("a")
    await house.tell(*await deleted_and_created_anew(festival))
    row = await house.operated(id, "done")
    assert row["reason"] == "the event was created anew since"
    await at_rest(festival)
    assert await festival.state("event", "a") == "live"
    assert (await festival.client["events"].get("/events/a")).json()["name"] == "reborn"
    ours = {key: effects for key, (_, effects) in (await festival.commands("events")).items()}
    assert list(ours.values()) == [1]


async def test_the_next_life_can_be_deleted_by_a_wish_of_its_own(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    festival.post.holding.add("events")
    first = await festival.ask_delete("a")
    facts = await deleted_and_created_anew(festival)
    festival.post.holding.clear()
    await house.tell(*facts)
    await house.operated(first, "done")
    await festival.teams("a", "t")
    second = await festival.ask_delete("a")
    assert second != first
    assert counts(await house.operated(second, "done")) == all_done(1)
    assert [effects for _, effects in (await festival.commands("events")).values()] == [1, 1]


async def test_an_end_that_a_cancelled_and_a_later_wish_brought_about_is_the_later_ones(festival: Festival) -> None:
    """All of it before any workflow looks: nobody who still wishes for it is told that children are left."""
    house = festival.house
    async with house.open():
        await festival.events("a")
        await festival.teams("a", "t")
        festival.post.holding.add("events")
        first = await festival.ask_delete("a")
        deleted = await festival.post.has("EventDeleted", "a")
    await operations.cancel(house.pool, house.tenant, first)
    second = await festival.ask_delete("a")
    await house.tell(deleted)
    async with house.open():
        row = await house.operated(first, "cancelled")
        assert row["reason"] == "it had come about already; its children are left"
        assert counts(await house.operated(second, "done")) == all_done(1)
        await at_rest(festival)
    assert await festival.teams_at_owner() == {}


async def test_an_owner_that_deletes_by_itself_what_was_cancelled_in_time_has_its_children_follow(
    open_festival: Festival,
) -> None:
    """What was cancelled is the wish; this end is another one."""
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t")
    festival.road.away.add("events")
    id = await festival.ask_delete("a")
    await house.operated(id, "asked")
    await operations.cancel(house.pool, house.tenant, id)
    await house.operated(id, "cancelled")
    await festival.do("events", "DELETE", "/events/a")
    row = await festival.cascaded("a")
    assert (row["kind"], counts(row)) == ("cascade", all_done(1))
    assert (await house.operation(id))["state"] == "cancelled"
    assert await festival.teams_at_owner() == {}


async def test_what_was_promised_of_a_cancelled_deletion_holds_where_the_fact_does_not_say_whose_it_is(
    open_festival: Festival,
) -> None:
    """Not every owner copies a correlation id."""
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t")
    festival.post.holding.add("events")
    id = await festival.ask_delete("a")
    deleted = await festival.post.has("EventDeleted", "a")
    await house.operated(id, "asked")
    await operations.cancel(house.pool, house.tenant, id)
    await house.operated(id, "cancelled")
    await house.tell({name: value for name, value in deleted.items() if name != "correlationid"})
    await at_rest(festival)
    assert await festival.teams_at_owner() == {"t": "a"}
    assert await festival.effects("teams") == 0


async def test_a_wish_for_the_next_life_does_not_join_the_one_for_the_last(festival: Festival) -> None:
    """Both facts have come, and nobody has looked since."""
    house = festival.house
    async with house.open():
        await festival.events("a")
        festival.post.holding.add("events")
        first = await festival.ask_delete("a")
        await house.operated(first, "asked")
        facts = await deleted_and_created_anew(festival)
    festival.post.holding.clear()
    await house.tell(*facts)
    second = await festival.ask_delete("a")
    assert second != first
    async with house.open():
        await house.operated(first, "done")
        assert (await house.operated(second, "done"))["reason"] == ""
        assert await festival.state("event", "a") == "deleted"


async def test_an_end_and_a_new_life_in_one_batch_end_a_deletion_although_nothing_seems_to_have_changed(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    festival.post.holding.add("events")
    id = await festival.ask_delete("a")
    deleted = await festival.post.has("EventDeleted", "a")
    await festival.do("events", "POST", "/events", id="a", name="a")
    created = await festival.post.has("EventCreated", "a")
    await festival.says(festival.end("a"), "waiting for EventDeleted")
    await house.tell({name: value for name, value in deleted.items() if name != "correlationid"}, created)
    row = await house.operated(id, "done")
    assert row["reason"] == "the event was created anew since"
    await at_rest(festival)
