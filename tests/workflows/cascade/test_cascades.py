"""What becomes of the teams of an event that is gone: each is deleted exactly once, by its owner."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from store.operations import operations
from tests.support.festival import Festival
from tests.support.harness import until

pytestmark = pytest.mark.stack


def counts(row: Any) -> dict[str, int]:
    """How many children an operation has come to, and what came of them."""
    return {name: row[name] for name in ("found", "done", "spared", "parked", "pending")}


def all_done(count: int) -> dict[str, int]:
    return {"found": count, "done": count, "spared": 0, "parked": 0, "pending": 0}


async def call_off(festival: Festival, key: str = "a") -> None:
    """The owner of events deletes one."""
    await festival.do("events", "DELETE", f"/events/{key}")


async def at_rest(festival: Festival, key: str = "a") -> None:
    await festival.house.at_rest()
    await festival.house.closed(festival.end(key))


@pytest.mark.parametrize("count", [1, 30, 450])
async def test_each_team_of_a_deleted_event_is_deleted_once(open_festival: Festival, count: int) -> None:
    festival, house = open_festival, open_festival.house
    teams = [f"t{n:03}" for n in range(count)]
    await festival.events("a", "b")
    await festival.teams("b", "other")
    await festival.teams("a", *teams)
    await call_off(festival)
    row = await festival.cascaded("a")
    assert counts(row) == all_done(count)
    assert (row["kind"], row["actor"], row["asked"]) == ("cascade", "/tether", count)
    assert await festival.teams_at_owner() == {"other": "b"}
    assert await house.links("event_team") == {"other": "b"}
    commands = await festival.commands("teams")
    assert Counter(commands.values()) == {(1, 1): count}
    await at_rest(festival)


async def test_an_event_without_teams_has_no_workflow(open_festival: Festival) -> None:
    festival = open_festival
    await festival.events("a")
    await call_off(festival)
    await festival.known("event", ["a"], "deleted")
    assert await festival.house.count("intents") == 0
    assert await festival.cascade("a") is None


async def test_a_team_that_comes_late_is_deleted_too(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t1")
    await call_off(festival)
    first = await festival.cascaded("a")
    await at_rest(festival)
    await festival.do("teams", "POST", "/teams", id="t2", name="late", event_id="a")
    await festival.known("team", ["t2"], "deleted")

    async def both() -> bool:
        row = await festival.cascade("a")
        return bool(row["id"] == first["id"] and row["state"] == "done" and counts(row) == all_done(2))

    await until(both)
    assert await festival.teams_at_owner() == {}
    assert await festival.effects("teams") == 2
    await at_rest(festival)
    assert await house.links("event_team") == {}


async def test_a_team_that_came_before_its_event_was_heard_of_follows_it(open_festival: Festival) -> None:
    festival = open_festival
    festival.post.holding.add("events")
    await festival.do("events", "POST", "/events", id="a", name="a")
    await call_off(festival)
    await festival.teams("a", "t1")
    await festival.post.has("EventCreated", "a")
    await festival.post.let_go()  # the deletion alone
    await festival.cascaded("a")
    assert await festival.teams_at_owner() == {}
    await at_rest(festival)


async def test_teams_that_moved_away_in_time_are_spared(open_festival: Festival) -> None:
    """The owner of teams knows it before Tether does, and refuses."""
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t1", "t2", "t3")
    festival.post.holding.add("teams")
    for team in ("t1", "t2"):
        await festival.do("teams", "POST", f"/teams/{team}/moves", event_id="b")
    await call_off(festival)

    async def asked() -> bool:
        return len(festival.road.asked) >= 3

    await until(asked)
    await festival.post.let_go()
    row = await festival.cascaded("a")
    assert counts(row) == {"found": 3, "done": 1, "spared": 2, "parked": 0, "pending": 0}
    assert await festival.teams_at_owner() == {"t1": "b", "t2": "b"}
    assert await house.links("event_team") == {"t1": "b", "t2": "b"}
    await at_rest(festival)


async def test_a_team_whose_owner_refuses_is_parked_and_the_others_go(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "..", "t1", "t2", "t3")  # no path can name the first
    festival.road.refused["/teams/t2"] = (422, "it owes a fee")
    await call_off(festival)
    row = await festival.cascaded("a", "incomplete")
    assert counts(row) == {"found": 4, "done": 2, "spared": 0, "parked": 2, "pending": 0}
    assert row["reason"] == "children parked: 2"
    items = await house.pool.fetch(
        "select child, reason from items where tenant = $1 and state = 'parked' order by child", house.tenant
    )
    assert [item["child"] for item in items] == ["..", "t2"]
    assert items[0]["reason"].startswith("DeleteTeam: team_id is '..', which cannot be a part of the path")
    assert items[1]["reason"] == "DeleteTeam at teams refused with 422: it owes a fee"
    assert sorted(await festival.teams_at_owner()) == ["..", "t2"]
    await at_rest(festival)


async def stuck(festival: Festival, key: str = "a") -> Any:
    """The operation, once it says that it is stuck."""

    async def there() -> Any:
        row = await festival.cascade(key)
        return row if row is not None and row["stuck_since"] is not None else None

    return await until(there)


async def test_an_owner_that_is_away_for_hours_loses_nothing(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    teams = [f"t{n:02}" for n in range(40)]
    await festival.events("a")
    await festival.teams("a", *teams)
    festival.road.away.add("teams")
    await call_off(festival)
    row = await stuck(festival)
    assert row["state"] == "running"
    assert row["reason"].startswith("event_team: ")
    assert "answered 503" in row["reason"]
    says = await festival.says(festival.end("a"), "answered 503")
    assert says.startswith("0 of 40 seen to: DeleteTeam at teams")
    await house.fast_forward(festival.end("a"), timedelta(hours=6))
    later = await festival.cascade("a")
    assert (later["state"], later["stuck_since"]) == ("running", row["stuck_since"])
    assert await festival.effects("teams") == 0
    festival.road.away.clear()
    await house.fast_forward(festival.end("a"), timedelta(hours=2))
    row = await festival.cascaded("a")
    assert counts(row) == all_done(40)
    assert (row["reason"], row["stuck_since"]) == ("", None)
    assert await festival.effects("teams") == 40
    assert await festival.teams_at_owner() == {}
    await at_rest(festival)


async def test_an_owner_of_an_event_that_is_away_is_asked_until_it_is_back(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    festival.road.away.add("events")
    id = await festival.ask_delete("a")
    row = await stuck(festival)
    assert "answered 503" in row["reason"]
    festival.road.away.clear()
    await house.fast_forward(festival.end("a"), timedelta(hours=2))
    await house.operated(id, "done")
    assert await festival.effects("events") == 1
    await at_rest(festival)


async def test_a_cascade_that_is_cancelled_stops_and_says_what_is_done(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    teams = [f"t{n:02}" for n in range(20)]
    await festival.events("a")
    await festival.teams("a", *teams)
    festival.road.away.add("teams")
    await call_off(festival)
    row = await stuck(festival)
    await operations.cancel(house.pool, house.tenant, row["id"])
    row = await festival.cascaded("a", "cancelled")
    assert row["reason"] == "0 more were asked for, 20 were not"
    await house.closed(festival.end("a"))
    festival.road.away.clear()
    await festival.teams("a", "late")
    assert await festival.effects("teams") == 0
    assert len(await festival.teams_at_owner()) == 21
    await at_rest(festival)


async def test_a_cascade_that_is_cancelled_in_the_middle_counts_what_was_done_and_leaves_the_rest(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    teams = [f"t{n:02}" for n in range(30)]
    await festival.events("a")
    await festival.teams("a", *teams)
    festival.road.patience["teams"] = 10
    await call_off(festival)
    row = await stuck(festival)

    async def ten_are_gone() -> bool:
        return len(await house.links("event_team")) == 20

    await until(ten_are_gone)
    await operations.cancel(house.pool, house.tenant, row["id"])
    row = await festival.cascaded("a", "cancelled")
    assert row["reason"] == "0 more were asked for, 20 were not"
    assert (row["done"], row["spared"], row["parked"]) == (10, 0, 0)
    await at_rest(festival)
    assert await festival.effects("teams") == 10
    assert len(await festival.teams_at_owner()) == 20


async def test_an_event_that_is_deleted_created_anew_and_deleted_again_has_two_cascades(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    for life in (1, 2):
        await festival.events("a")
        await festival.teams("a", "t", f"u{life}")
        await call_off(festival)
        await festival.known("team", ["t", f"u{life}"], "deleted")
        assert counts(await festival.cascaded("a")) == all_done(2)
        await at_rest(festival)
    rows = await house.pool.fetch(
        "select incarnation, state from operations where tenant = $1 and workflow = 'cascade'", house.tenant
    )
    assert {row["state"] for row in rows} == {"done"}
    assert len({row["incarnation"] for row in rows}) == 2
    assert Counter((await festival.commands("teams")).values()) == {(1, 1): 4}


async def test_an_event_that_is_created_anew_keeps_the_teams_that_were_not_deleted_yet(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t1", "t2")
    festival.road.away.add("teams")
    await call_off(festival)
    await stuck(festival)
    await festival.says(festival.end("a"), "answered 503")  # it looks again in an hour, unless it is told
    await festival.events("a")
    row = await festival.cascaded("a")
    assert row["reason"] == "the event was created anew: what was left of it is spared"
    festival.road.away.clear()
    await house.closed(festival.end("a"))
    assert await festival.teams_at_owner() == {"t1": "a", "t2": "a"}
    assert await festival.effects("teams") == 0
    assert await house.links("event_team") == {"t1": "a", "t2": "a"}
