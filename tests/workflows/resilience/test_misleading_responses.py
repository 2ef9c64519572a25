"""Owners that say what is not so, or cannot say: what Tether believes, and for how long."""

from datetime import timedelta

import pytest

from examples.owner.misbehaviour.settings import Busy, Settings
from tests.support.festival import Festival
from tests.support.harness import until
from tests.workflows.cascade.test_cascades import all_done, at_rest, call_off, counts, stuck

pytestmark = pytest.mark.stack


async def test_teams_of_which_their_owner_knew_nothing_for_a_while_are_asked_for_again(open_festival: Festival) -> None:
    """A proxy that answers 404 for everything while it has no service behind it."""
    festival = open_festival
    await festival.events("a")
    await festival.teams("a", "t1", "t2")
    festival.road.refused = {"/teams": (404, "default backend")}
    await call_off(festival)

    async def asked() -> bool:
        return len(festival.road.asked) >= 2

    await until(asked)
    festival.road.refused = {}
    assert counts(await festival.cascaded("a")) == all_done(2)
    assert await festival.teams_at_owner() == {}
    await at_rest(festival)


async def test_an_event_of_which_its_owner_knew_nothing_for_a_while_is_asked_for_again(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    festival.road.refused = {"/events": (404, "default backend")}
    id = await festival.ask_delete("a")
    row = await stuck(festival)
    assert row["reason"] == "DeleteEvent at events refused with 404: default backend"
    festival.road.refused = {}
    await house.operated(id, "done")
    assert await festival.state("event", "a") == "deleted"


async def test_a_team_that_its_owner_always_denies_is_parked_after_so_many_tries(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams(None, "t")
    await house.operated(await house.link("event_team", "a", "t"), "done")  # of which its owner was never told
    await call_off(festival)

    async def tried() -> bool:
        query = "select tries from items where tenant = $1"
        return int(await house.pool.fetchval(query, house.tenant) or 0) >= 2

    await until(tried)
    await house.pool.execute("update items set tries = 29 where tenant = $1", house.tenant)
    row = await festival.cascaded("a", "incomplete")
    assert row["parked"] == 1
    reason = await house.pool.fetchval("select reason from items where tenant = $1", house.tenant)
    assert reason.startswith("DeleteTeam at teams refused with 412: ")
    await at_rest(festival)


async def test_an_owner_that_is_away_for_longer_than_any_deadline_is_asked_until_it_is_back(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t1", "t2")
    festival.road.away.add("teams")
    await call_off(festival)
    await stuck(festival)
    await house.pool.execute("update items set at = at - interval '3 days' where tenant = $1", house.tenant)
    await house.fast_forward(festival.end("a"), timedelta(days=3))
    row = await festival.cascade("a")
    assert (row["state"], row["parked"]) == ("running", 0)
    festival.road.away.clear()
    await house.fast_forward(festival.end("a"), timedelta(hours=2))
    assert counts(await festival.cascaded("a")) == all_done(2)


async def test_a_team_is_not_moved_into_an_event_that_is_gone_when_its_owner_is_back(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.road.refused = {"/teams/t": (503, "")}
    id = await festival.ask_move("t", "b")

    async def failed() -> bool:
        return bool((await house.operation(id))["reason"])

    await until(failed)
    await festival.do("events", "DELETE", "/events/b")
    await festival.known("event", ["b"], "deleted")
    festival.road.refused = {}
    row = await house.operated(id, "refused")
    assert row["reason"] == "event b is deleted; it may still move"
    assert await festival.teams_at_owner() == {"t": "a"}
    assert await festival.effects("teams") == 0
    await house.closed(festival.moves("t"))


async def test_a_team_that_was_deleted_and_created_anew_is_not_moved_in_place_of_the_first(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.road.refused = {"/teams/t": (503, "")}
    id = await festival.ask_move("t", "b")
    await house.operated(id, "asked")
    festival.post.holding = {"teams"}
    await festival.do("teams", "DELETE", "/teams/t")
    await festival.do("teams", "POST", "/teams", id="t", name="another", event_id="a")
    deleted = await festival.post.has("TeamDeleted", "t")
    await house.tell(deleted, await festival.post.has("TeamCreated", "t"))
    festival.road.refused = {}
    row = await house.operated(id, "refused")
    assert row["reason"].startswith("team t was deleted and created anew")
    assert await festival.teams_at_owner() == {"t": "a"}


async def test_a_team_in_no_event_is_not_taken_out_of_one_that_its_owner_has_put_it_in_since(
    open_festival: Festival,
) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("b", "c")
    await festival.teams(None, "t")
    festival.post.holding = {"teams"}
    await festival.do("teams", "POST", "/teams/t/moves", event_id="c")
    row = await house.operated(await festival.ask_move("t", "b"), "refused")
    assert "the team 't' is in 'c', not in no event".lower() in row["reason"].lower()
    assert await festival.teams_at_owner() == {"t": "c"}


async def test_a_move_is_not_refused_for_an_older_end_that_comes_late(open_festival: Festival) -> None:
    """The child is the one that its owner was asked for: nobody knew yet that there was another before it."""
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    festival.post.holding = {"teams"}
    await festival.do("teams", "POST", "/teams", id="t", name="first", event_id="a")
    await festival.do("teams", "DELETE", "/teams/t")
    await festival.do("teams", "POST", "/teams", id="t", name="second", event_id="a")
    deleted = await festival.post.has("TeamDeleted", "t")
    await house.tell(await festival.post.has("TeamCreated", "t", 2))
    festival.road.refused = {"/teams/t": (503, "")}
    id = await festival.ask_move("t", "b")
    await house.operated(id, "asked")
    await house.tell(deleted)
    festival.road.refused = {}
    festival.post.holding.clear()
    await house.operated(id, "done")
    assert await festival.teams_at_owner() == {"t": "b"}


async def test_an_owner_that_lets_few_in_at_a_time_is_waited_for_and_no_team_is_given_up(
    open_festival: Festival,
) -> None:
    """What it turned away, or what was not even sent, does not count against a child."""
    festival, house = open_festival, open_festival.house
    teams = [f"t{n:02}" for n in range(60)]
    await festival.events("a")
    await festival.teams("a", *teams)
    festival.misbehave("teams", Settings(busy=Busy(share=0.7, retry_after=1)))
    await call_off(festival)

    async def some_are_tried_again() -> bool:
        query = "select count(*) from items where tenant = $1 and state = 'failing'"
        return bool(await house.pool.fetchval(query, house.tenant) > 5)

    await until(some_are_tried_again)
    query = "select max(tries) from items where tenant = $1 and state = 'failing'"
    assert not await house.pool.fetchval(query, house.tenant)
    festival.misbehave("teams", Settings())
    assert counts(await festival.cascaded("a", seconds=60)) == all_done(60)


async def test_a_child_is_counted_once_however_its_owner_answers(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t")
    answers = [(404, "nobody"), (503, ""), (404, "nobody"), (503, "")]
    festival.road.refused = {"/teams/t": answers[0]}
    await call_off(festival)
    for n, answer in enumerate(answers):
        festival.road.refused = {"/teams/t": answer}
        before = len(festival.road.asked)

        async def asked(before: int = before, more: int = 1 + (n > 0)) -> bool:
            return len(festival.road.asked) >= before + more

        await until(asked)
    festival.road.refused = {}
    row = await festival.cascaded("a")
    assert (counts(row), row["asked"]) == (all_done(1), 1)
    assert await house.count("intents") == 0
