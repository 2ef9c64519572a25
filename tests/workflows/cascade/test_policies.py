"""What becomes of children by the policy of their relationship, and of children's children."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client

from catalog import catalog as catalogs
from errors import Restricted
from store.db.pool import Pool
from store.migrate import migrate
from store.operations import children, operations
from tests.support.festival import OWNERS, Festival
from tests.support.harness import House, until
from tests.support.league import LEAGUE
from tests.workflows.cascade.test_cascades import all_done, at_rest, call_off, counts

pytestmark = pytest.mark.stack

CATALOG = catalogs.load([Path(__file__).parents[2] / "support" / "catalogs" / "league"])


@pytest.fixture
async def league(pool: Pool, client: Client, tmp_path: Path) -> AsyncIterator[Festival]:
    """Everything runs, with what the league has: two levels, and every policy."""
    await migrate(pool, CATALOG)
    house = House(pool, CATALOG, client, f"t{uuid4().hex[:12]}")
    festival = Festival(house, tmp_path, {**OWNERS, "league": LEAGUE})
    async with festival.running(), house.open():
        await festival.events("a", "b")
        await festival.teams("a", "t1", "t2")
        await festival.teams("b", "other")
        yield festival
    await house.recorder.close()


async def have(league: Festival, kind: str, of: str, *keys: str) -> None:
    """Something of the league's, known."""
    for key in keys:
        await league.do("league", "POST", f"/{kind}/{key}", of=of)
    await league.known(kind, keys)


async def test_what_follows_a_team_follows_its_event(league: Festival) -> None:
    await have(league, "player", "t1", "p1", "p2")
    await have(league, "player", "t2", "p3")
    await have(league, "player", "other", "p4")
    await call_off(league)
    await league.known("player", ["p1", "p2", "p3"], "deleted")
    first = await league.cascaded("a")
    assert (counts(first), first["cause"]) == (all_done(2), None)
    for team, players in (("t1", 2), ("t2", 1)):
        then = await league.cascaded(team, kind="team")
        assert (counts(then), then["cause"]) == (all_done(players), first["id"])
    assert await league.house.links("team_player") == {"p4": "other"}
    assert await league.effects("teams") == 2
    assert await league.effects("league") == 3
    await at_rest(league)


async def test_what_restricts_keeps_its_parent_from_being_deleted(league: Festival) -> None:
    await have(league, "stand", "a", "s1")
    with pytest.raises(Restricted, match="stand 's1' belongs to event 'a' by event_stand, which restricts that; move"):
        await league.ask_delete("a")
    await league.do("league", "DELETE", "/stand/s1")
    await league.known("stand", ["s1"], "deleted")
    await league.house.operated(await league.ask_delete("a"), "done")


async def test_what_restricts_a_child_keeps_its_parents_parent_from_being_deleted(league: Festival) -> None:
    await have(league, "booking", "t2", "k1")
    with pytest.raises(Restricted, match="event 'a' cannot be deleted: booking 'k1' belongs to team 't2' by team_book"):
        await league.ask_delete("a")
    with pytest.raises(Restricted):
        await league.ask_delete("t2", "team")
    await league.house.operated(await league.ask_delete("t1", "team"), "done")
    await league.house.operated(await league.ask_delete("b"), "done")
    assert league.road.asked


async def test_what_comes_to_restrict_a_deletion_before_its_owner_has_answered_refuses_it(league: Festival) -> None:
    league.road.refused = {"/events/b": (503, "")}
    id = await league.ask_delete("b")
    await league.house.operated(id, "asked")
    await have(league, "stand", "b", "s1")
    row = await league.house.operated(id, "refused")  # at the next attempt, although it would fail as well
    assert row["reason"].startswith("event 'b' cannot be deleted: stand 's1' belongs to event 'b' by event_stand")
    assert await league.state("event", "b") == "live"
    assert await league.effects("events") == 0
    await at_rest(league, "b")


async def test_what_restricts_does_not_keep_an_owner_from_deleting(league: Festival) -> None:
    await have(league, "stand", "a", "s1")
    await call_off(league)
    assert counts(await league.cascaded("a")) == all_done(2)
    assert await league.house.links("event_stand") == {"s1": "a"}
    await at_rest(league)


async def test_what_restricts_a_child_of_what_an_owner_deleted_keeps_that_child_alone(league: Festival) -> None:
    """Its owner is never asked to delete it, until somebody has made room and has it asked for anew."""
    await have(league, "booking", "t1", "k1")
    await call_off(league)
    row = await league.cascaded("a", "incomplete")
    assert counts(row) == {"found": 2, "done": 1, "spared": 0, "parked": 1, "pending": 0}
    (item,) = await children.listed(league.house.pool, league.house.tenant, row["id"], "parked", ("", ""), 10)
    assert item["reason"].startswith("team 't1' cannot be deleted: booking 'k1' belongs to team 't1' by team_booking")
    assert ("teams", "DELETE", "/teams/t1") not in league.road.asked
    assert await league.state("team", "t1") == "live"
    await at_rest(league)
    await operations.redrive(league.house.pool, league.house.tenant, row["id"])
    await league.cascaded("a", "incomplete")
    assert ("teams", "DELETE", "/teams/t1") not in league.road.asked
    await league.do("league", "DELETE", "/booking/k1")
    await league.known("booking", ["k1"], "deleted")
    await operations.redrive(league.house.pool, league.house.tenant, row["id"])
    assert counts(await league.cascaded("a")) == all_done(2)
    await at_rest(league)


async def test_what_is_detached_lives_on_without_its_parent(league: Festival) -> None:
    await have(league, "sponsor", "a", "s1", "s2")
    await have(league, "sponsor", "b", "s3")
    await call_off(league)
    assert counts(await league.cascaded("a")) == all_done(4)
    assert await league.house.links("event_sponsor") == {"s3": "b"}
    await league.known("sponsor", ["s1", "s2", "s3"])
    assert ("league", "DELETE", "/sponsor/s1/of") in league.road.asked
    await at_rest(league)


async def test_what_is_kept_stays_as_it_is(league: Festival) -> None:
    await have(league, "photo", "a", "p1")
    await call_off(league)
    assert counts(await league.cascaded("a")) == all_done(2)
    assert await league.house.links("event_photo") == {"p1": "a"}
    assert not [asked for asked in league.road.asked if asked[0] == "league"]
    await at_rest(league)


async def test_an_owner_that_is_away_keeps_no_other_waiting(league: Festival) -> None:
    await have(league, "sponsor", "a", "s1", "s2")
    league.road.away.add("league")
    await call_off(league)
    await league.known("team", ["t1", "t2"], "deleted")

    async def stuck() -> bool:
        row = await league.cascade("a")
        return row["stuck_since"] is not None and row["reason"].startswith("event_sponsor: ")

    await until(stuck)
    says = await league.says(league.end("a"), "2 of 4 seen to")
    assert "FreeSponsor at league" in says


async def test_what_is_asked_again_is_what_was_asked_first_although_the_child_has_changed(league: Festival) -> None:
    await have(league, "sponsor", "a", "s1")
    league.post.holding.add("league")
    league.road.lost["league"] = 1
    await call_off(league)

    async def done_unanswered() -> bool:
        return await league.effects("league") == 1

    await until(done_unanswered)
    league.road.refused = {"/of": (503, "")}
    sponsor = await league.client["league"].put("/sponsor/s1/level", json={"level": 7})
    assert sponsor.is_success
    raised = await league.post.has("SponsorRaised", "s1")
    await league.house.tell(raised)  # before the fact that came of the first attempt
    league.road.refused = {}

    async def answered() -> bool:
        operation = (await league.cascade("a"))["id"]
        listed = await children.listed(league.house.pool, league.house.tenant, operation, None, ("", ""), 10)
        return {row["state"] for row in listed if row["child"] == "s1"} == {"asked"}

    await until(answered)
    await league.post.let_go()
    assert counts(await league.cascaded("a")) == all_done(3)
    ((attempts, effects),) = (await league.commands("league")).values()
    assert (attempts > 1, effects) == (True, 1)
