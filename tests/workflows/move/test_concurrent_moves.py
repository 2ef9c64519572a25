"""Moves one after the other, moves that are stopped, and moves that meet the end of an event."""

from itertools import permutations

import pytest

from errors import Conflict
from facts.correlation import encode_operation
from store.operations import operations
from tests.support.festival import Festival
from tests.support.harness import event, until
from tests.workflows.move.test_moves import at_rest

pytestmark = pytest.mark.stack


async def test_before_the_owner_is_asked_a_later_move_takes_the_place_of_an_earlier_one(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "c")
    await festival.teams("a", "t")
    first = await festival.ask_move("t", "b")
    await festival.says(festival.moves("t"), "waiting for event b")
    second = await festival.ask_move("t", "c")
    row = await house.operated(first, "superseded")
    assert row["reason"] == f"operation {second} came after it"
    await house.operated(second, "done")
    await festival.events("b")
    assert await house.links("event_team") == {"t": "c"}
    await at_rest(festival, "t")


async def test_once_the_owner_was_asked_a_later_move_queues(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b", "c")
    await festival.teams("a", "t")
    festival.post.holding.add("teams")
    first = await festival.ask_move("t", "b")
    moved = await festival.post.has("TeamMoved", "t")
    second = await festival.ask_move("t", "c")
    third = await festival.ask_move("t", "a")
    await house.operated(second, "superseded")
    assert [(await house.operation(id))["state"] for id in (first, third)] == ["asked", "waiting"]
    assert len(festival.road.asked) == 1
    festival.post.holding.clear()
    await house.tell(moved)
    await house.operated(first, "done")
    row = await house.operated(third, "done")
    assert row["former"] == "b"
    assert [event for event, _, _ in await festival.spans("t")] == ["a", "b", "a"]
    await at_rest(festival, "t")


async def test_there_and_back_and_there_again_are_three_effects(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    for to in ("b", "a", "b"):
        await house.operated(await festival.ask_move("t", to), "done")
    assert list((await festival.commands("teams")).values()) == [(1, 1)] * 3
    assert [event for event, _, _ in await festival.spans("t")] == ["a", "b", "a", "b"]
    await at_rest(festival, "t")


async def test_the_same_idempotency_key_is_the_same_move(festival: Festival) -> None:
    first = await festival.ask_move("t", "b", "k")
    assert await festival.ask_move("t", "b", "k") == first
    assert await festival.house.count("intents") == 1
    with pytest.raises(Conflict):
        await festival.ask_move("t", "c", "k")


async def test_a_move_whose_fact_comes_after_a_newer_one_is_answered_all_the_same(open_festival: Festival) -> None:
    """It changes nothing any more; its correlation id says what came of it."""
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b", "c")
    await festival.teams("a", "t")
    festival.post.holding.add("teams")
    id = await festival.ask_move("t", "b")
    ours = await festival.post.has("TeamMoved", "t")
    await festival.do("teams", "POST", "/teams/t/moves", event_id="c")
    newer = await festival.post.has("TeamMoved", "t")
    await house.tell(newer)
    assert await house.links("event_team") == {"t": "c"}
    assert (await house.operation(id))["state"] == "asked"
    await house.tell(ours)
    row = await house.operated(id, "done")
    assert row["answered"] == ours["id"]
    assert [event for event, _, _ in await festival.spans("t")] == ["a", "c"]
    await at_rest(festival, "t")


@pytest.mark.parametrize(
    ("type", "subject", "data"),
    [
        ("CategoryAdded", "t", {"name": "t"}),
        ("TeamCreated", "other", {"name": "other", "event_id": "b"}),
        ("TeamRenamed", "t", {"name": "renamed"}),
    ],
)
async def test_a_move_is_not_answered_by_a_fact_that_says_nothing_of_it(
    open_festival: Festival, type: str, subject: str, data: dict[str, str]
) -> None:
    """Whoever copies a correlation id may put it into anything."""
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.post.holding.add("teams")
    id = await festival.ask_move("t", "b")
    moved = await festival.post.has("TeamMoved", "t")
    await house.operated(id, "asked")
    await house.tell(event(type, subject, 2, correlation=encode_operation(id), **data))
    row = await house.operation(id)
    assert (row["state"], row["answered"]) == ("asked", None)
    await house.tell(moved)
    row = await house.operated(id, "done")
    assert row["answered"] == moved["id"]
    await at_rest(festival, "t")


async def test_a_move_that_is_cancelled_before_its_owner_is_asked_does_not_happen(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t")
    id = await festival.ask_move("t", "b")
    await festival.says(festival.moves("t"), "waiting for event b")
    await operations.cancel(house.pool, house.tenant, id)
    row = await house.operated(id, "cancelled")
    assert row["reason"] == ""
    await festival.events("b")
    assert festival.road.asked == []
    assert await house.links("event_team") == {"t": "a"}
    await at_rest(festival, "t")


async def test_a_move_that_is_cancelled_after_its_owner_was_asked_says_that_it_may_happen(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.post.holding.add("teams")
    id = await festival.ask_move("t", "b")
    moved = await festival.post.has("TeamMoved", "t")
    await operations.cancel(house.pool, house.tenant, id)
    row = await house.operated(id, "cancelled")
    assert row["reason"] == "the owner had been asked already: it may still move"
    await house.closed(festival.moves("t"))
    await house.tell(moved)
    assert await house.links("event_team") == {"t": "b"}


async def test_what_has_ended_cannot_be_cancelled(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("b")
    await festival.teams("b", "t")
    id = await festival.ask_move("t", "b")
    await house.operated(id, "done")
    with pytest.raises(Conflict, match=f"operation {id} has ended already: it is done"):
        await operations.cancel(house.pool, house.tenant, id)


@pytest.mark.parametrize("deleted", ["a", "b", "ab"])
async def test_a_move_and_the_ends_of_both_events_come_to_the_same_in_any_order(
    open_festival: Festival, deleted: str
) -> None:
    """A team follows the event in which it is in the end."""
    festival, house = open_festival, open_festival.house
    for number, order in enumerate(permutations(range(1 + len(deleted)))):
        team, events = f"t{number}", {name: f"{name}{number}" for name in "ab"}
        await festival.events(*events.values())
        await festival.teams(events["a"], team)
        festival.post.holding = {"events", "teams"}
        id = await festival.ask_move(team, events["b"])
        facts = [await festival.post.has("TeamMoved", team)]
        for name in deleted:
            await festival.do("events", "DELETE", f"/events/{events[name]}")
            facts.append(await festival.post.has("EventDeleted", events[name]))
        for place in order:
            await house.tell(facts[place])
        await festival.post.let_go()
        await house.operated(id, "done")
        if "b" in deleted:
            await festival.known("team", [team], "deleted")
        await at_rest(festival, team)

        async def nothing_runs() -> bool:
            ends = [festival.end(event) for event in events.values()]  # noqa: B023 (awaited in the same round)
            return not any([await house.starter.runs(end) for end in ends])

        await until(nothing_runs)
        there = (await festival.teams_at_owner()).get(team)
        assert there == (None if "b" in deleted else events["b"]), order
        assert (await house.links("event_team")).get(team) == there, order
        begins = {begin for _, begin, _ in await festival.spans(team)}
        assert len(begins) == 2, "the team was in one event at a time, and in none but at the end"
    orders = 6 if deleted == "ab" else 2
    assert await festival.effects("teams") == orders * (2 if "b" in deleted else 1)
