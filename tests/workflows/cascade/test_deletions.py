"""Deletions that somebody asks for: the owner is asked, and its fact alone is the end of an entity."""

from datetime import timedelta

import pytest

from errors import Conflict, KeyReused, Unknown
from store.operations import operations
from tests.support.festival import Festival
from tests.workflows.cascade.test_cascades import all_done, at_rest, counts

pytestmark = pytest.mark.stack


async def test_a_deletion_that_is_asked_for_is_its_owners_first(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t1", "t2")
    festival.post.holding.add("events")
    id = await festival.ask_delete("a")
    deleted = await festival.post.has("EventDeleted", "a")
    await house.operated(id, "asked")
    assert await festival.state("event", "a") == "live"
    says = await festival.says(festival.end("a"), "waiting for EventDeleted from events, due ")
    assert says.endswith(" UTC")
    assert [asked[:2] for asked in festival.road.asked] == [("events", "DELETE")]
    await house.tell(deleted)
    row = await house.operated(id, "done")
    assert (row["kind"], counts(row)) == ("delete", all_done(2))
    assert await festival.teams_at_owner() == {}
    assert list((await festival.commands("events")).values()) == [(1, 1)]
    assert await festival.effects("teams") == 2
    await at_rest(festival)


async def test_a_deletion_of_what_has_no_children_is_done_with_its_fact(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    id = await festival.ask_delete("a")
    row = await house.operated(id, "done")
    assert counts(row) == all_done(0)
    await at_rest(festival)


async def test_who_asks_for_a_deletion_again_gets_the_one_that_is_under_way(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    festival.post.holding.add("events")
    id = await festival.ask_delete("a")
    assert await festival.ask_delete("a") == id
    deleted = await festival.post.has("EventDeleted", "a")
    await house.tell(deleted)
    await house.operated(id, "done")
    with pytest.raises(Conflict, match="event 'a' is deleted already"):
        await festival.ask_delete("a")
    with pytest.raises(Unknown, match="no event 'z' was told of"):
        await festival.ask_delete("z")
    with pytest.raises(Conflict, match="no command deletes a category"):
        await festival.ask_delete("c", "category")


async def test_who_joined_a_deletion_by_a_key_gets_it_by_that_key_ever_after(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    first = await festival.ask_delete("a", by="one")
    assert await festival.ask_delete("a", by="two") == first
    with pytest.raises(KeyReused):
        await festival.ask_delete("b", by="two")
    await house.operated(first, "done")
    assert [await festival.ask_delete("a", by=key) for key in ("one", "two")] == [first, first]
    assert await festival.state("event", "b") == "live"


async def test_an_owner_that_refuses_a_deletion_leaves_everything(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t1")
    festival.road.refused["/events/a"] = (422, "tickets are sold")
    id = await festival.ask_delete("a")
    row = await house.operated(id, "refused")
    assert row["reason"] == "DeleteEvent at events refused with 422: tickets are sold"
    assert await house.links("event_team") == {"t1": "a"}
    await at_rest(festival)


async def test_a_deletion_whose_owner_tells_nothing_expires_and_a_late_fact_still_cascades(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t1")
    festival.post.holding.add("events")
    id = await festival.ask_delete("a")
    deleted = await festival.post.has("EventDeleted", "a")
    await festival.says(festival.end("a"), "waiting for EventDeleted")
    await house.fast_forward(festival.end("a"), timedelta(hours=24, seconds=1))
    row = await house.operated(id, "expired")
    assert row["reason"] == "EventDeleted was not told in time"
    await house.closed(festival.end("a"))
    await house.tell(deleted)
    await festival.known("team", ["t1"], "deleted")
    row = await festival.cascaded("a")
    assert (row["kind"], counts(row)) == ("cascade", all_done(1))
    await at_rest(festival)


async def test_a_deletion_that_is_cancelled_before_its_owner_is_asked_does_not_happen(
    festival: Festival,
) -> None:
    house = festival.house
    await festival.events("a")
    await festival.teams("a", "t1")
    id = await festival.ask_delete("a")
    await operations.cancel(house.pool, house.tenant, id)
    async with house.open():
        row = await house.operated(id, "cancelled")
        await at_rest(festival)
    assert row["reason"] == ""
    assert festival.road.asked == []


async def test_a_deletion_that_is_cancelled_too_late_leaves_the_teams(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t1")
    festival.post.holding.add("events")
    id = await festival.ask_delete("a")
    deleted = await festival.post.has("EventDeleted", "a")
    await operations.cancel(house.pool, house.tenant, id)
    row = await house.operated(id, "cancelled")
    assert row["reason"] == "the owner had been asked already: if it deletes it, its children are left"
    await house.tell(deleted)
    await at_rest(festival)
    assert await house.links("event_team") == {"t1": "a"}
    assert await festival.teams_at_owner() == {"t1": "a"}
