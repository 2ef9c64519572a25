"""Policies for the children of a deleted parent: cascade to every level, restrict, detach, keep."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client

from catalog import catalog as catalogs
from errors import Restricted
from messages.child_reasons import describe_child
from messages.operation_reasons import describe_operation
from store.db.pool import Pool
from store.migrate import migrate
from store.operations import listings, operations
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.league import LEAGUE
from tests.support.scenario import OWNERS, Scenario
from tests.workflows.cascade.test_cascades import all_done, counts, delete_at_owner, wait_until_at_rest

pytestmark = pytest.mark.stack

CATALOG = catalogs.load([Path(__file__).parents[2] / "support" / "catalogs" / "league"])


@pytest.fixture
async def league(pool: Pool, client: Client, tmp_path: Path) -> AsyncIterator[Scenario]:
    """Runs all processes with the league's declarations: two levels of children, and every policy."""
    await migrate(pool, CATALOG)
    harness = Harness(pool, CATALOG, client, f"t{uuid4().hex[:12]}")
    scenario = Scenario(harness, tmp_path, {**OWNERS, "league": LEAGUE})
    async with scenario.running(), harness.running():
        await scenario.create_events("a", "b")
        await scenario.create_teams("a", "t1", "t2")
        await scenario.create_teams("b", "other")
        yield scenario
    await harness.recorder.close()


async def create_in_league(league: Scenario, kind: str, of: str, *keys: str) -> None:
    """Creates entities at the owner of the league; returns once Tether has their facts."""
    for key in keys:
        await league.request_owner("league", "POST", f"/{kind}/{key}", of=of)
    await league.wait_for_entities(kind, keys)


async def test_cascade_continues_to_children_of_children(league: Scenario) -> None:
    await create_in_league(league, "player", "t1", "p1", "p2")
    await create_in_league(league, "player", "t2", "p3")
    await create_in_league(league, "player", "other", "p4")
    await delete_at_owner(league)
    await league.wait_for_entities("player", ["p1", "p2", "p3"], "deleted")
    first = await league.wait_for_cascade("a")
    assert (counts(first), first.cause) == (all_done(2), None)
    for team, players in (("t1", 2), ("t2", 1)):
        then = await league.wait_for_cascade(team, kind="team")
        assert (counts(then), then.cause) == (all_done(players), first.id)
    assert await league.harness.links("team_player") == {"p4": "other"}
    assert await league.effects("teams") == 2
    assert await league.effects("league") == 3
    await wait_until_at_rest(league)


async def test_restricting_child_prevents_deletion_of_its_parent(league: Scenario) -> None:
    await create_in_league(league, "stand", "a", "s1")
    with pytest.raises(Restricted, match="stand 's1' belongs to event 'a' by event_stand, which restricts that; move"):
        await league.request_deletion("a")
    await league.request_owner("league", "DELETE", "/stand/s1")
    await league.wait_for_entities("stand", ["s1"], "deleted")
    await league.harness.wait_for_operation(await league.request_deletion("a"), "done")


async def test_restricted_child_prevents_deletion_of_its_parent(league: Scenario) -> None:
    await create_in_league(league, "booking", "t2", "k1")
    with pytest.raises(Restricted, match="event 'a' cannot be deleted: booking 'k1' belongs to team 't2' by team_book"):
        await league.request_deletion("a")
    with pytest.raises(Restricted):
        await league.request_deletion("t2", "team")
    await league.harness.wait_for_operation(await league.request_deletion("t1", "team"), "done")
    await league.harness.wait_for_operation(await league.request_deletion("b"), "done")
    assert league.transport.requests


async def test_restriction_added_before_the_owner_accepts_refuses_the_deletion(league: Scenario) -> None:
    league.transport.refused = {"/events/b": (503, "")}
    id = await league.request_deletion("b")
    await league.harness.wait_for_operation(id, "requested")
    await create_in_league(league, "stand", "b", "s1")
    row = await league.harness.wait_for_operation(id, "refused")  # at the next attempt, before its request is sent
    assert describe_operation(row).startswith(
        "event 'b' cannot be deleted: stand 's1' belongs to event 'b' by event_stand"
    )
    assert await league.entity_state("event", "b") == "live"
    assert await league.effects("events") == 0
    await wait_until_at_rest(league, "b")


async def test_restriction_does_not_stop_a_deletion_by_the_owner(league: Scenario) -> None:
    await create_in_league(league, "stand", "a", "s1")
    await delete_at_owner(league)
    assert counts(await league.wait_for_cascade("a")) == all_done(2)
    assert await league.harness.links("event_stand") == {"s1": "a"}
    await wait_until_at_rest(league)


async def test_restricted_child_of_a_deleted_parent_is_parked(league: Scenario) -> None:
    """No request is sent for it until the restricting booking is deleted and the child is redriven."""
    await create_in_league(league, "booking", "t1", "k1")
    await delete_at_owner(league)
    row = await league.wait_for_cascade("a", "incomplete")
    assert counts(row) == {"found": 2, "confirmed": 1, "skipped": 0, "parked": 1, "remaining": 0}
    (item,), _ = await listings.children_page(league.harness.pool, league.harness.tenant, row.id, "parked", None, 10)
    assert (item.park_reason, item.last_error) == ("restricted", "")
    description = describe_child(item)
    assert description.startswith("team 't1' cannot be deleted: booking 'k1' belongs to team 't1' by team_booking")
    assert ("teams", "DELETE", "/teams/t1") not in league.transport.requests
    assert await league.entity_state("team", "t1") == "live"
    await wait_until_at_rest(league)
    await operations.redrive(league.harness.pool, league.harness.tenant, row.id)
    await league.wait_for_cascade("a", "incomplete")
    assert ("teams", "DELETE", "/teams/t1") not in league.transport.requests
    await league.request_owner("league", "DELETE", "/booking/k1")
    await league.wait_for_entities("booking", ["k1"], "deleted")
    await operations.redrive(league.harness.pool, league.harness.tenant, row.id)
    assert counts(await league.wait_for_cascade("a")) == all_done(2)
    await wait_until_at_rest(league)


async def test_detached_children_stay_live_without_a_parent(league: Scenario) -> None:
    await create_in_league(league, "sponsor", "a", "s1", "s2")
    await create_in_league(league, "sponsor", "b", "s3")
    await delete_at_owner(league)
    assert counts(await league.wait_for_cascade("a")) == all_done(4)
    assert await league.harness.links("event_sponsor") == {"s3": "b"}
    await league.wait_for_entities("sponsor", ["s1", "s2", "s3"])
    assert ("league", "DELETE", "/sponsor/s1/of") in league.transport.requests
    await wait_until_at_rest(league)


async def test_kept_children_stay_linked_and_nothing_is_requested(league: Scenario) -> None:
    await create_in_league(league, "photo", "a", "p1")
    await delete_at_owner(league)
    assert counts(await league.wait_for_cascade("a")) == all_done(2)
    assert await league.harness.links("event_photo") == {"p1": "a"}
    assert not [sent for sent in league.transport.requests if sent[0] == "league"]
    await wait_until_at_rest(league)


async def test_unavailable_owner_does_not_delay_children_of_other_owners(league: Scenario) -> None:
    await create_in_league(league, "sponsor", "a", "s1", "s2")
    league.transport.away.add("league")
    await delete_at_owner(league)
    await league.wait_for_entities("team", ["t1", "t2"], "deleted")

    async def stuck() -> bool:
        row = await league.newest_cascade("a")
        return row.stuck_since is not None and describe_operation(row).startswith("event_sponsor: ")

    await eventually(stuck)
    says = await league.wait_for_description(league.cascade_subject("a"), "2 of 4 children done")
    assert "FreeSponsor at league" in says


async def test_repeated_request_for_a_changed_child_keeps_its_first_body(league: Scenario) -> None:
    await create_in_league(league, "sponsor", "a", "s1")
    league.relay.holding.add("league")
    league.transport.lost["league"] = 1
    await delete_at_owner(league)

    async def done_without_response() -> bool:
        return await league.effects("league") == 1

    await eventually(done_without_response)
    league.transport.refused = {"/of": (503, "")}
    sponsor = await league.client["league"].put("/sponsor/s1/level", json={"level": 7})
    assert sponsor.is_success
    raised = await league.relay.take("SponsorRaised", "s1")
    await league.harness.record(raised)  # before the fact that follows from the first attempt
    league.transport.refused = {}

    async def answered() -> bool:
        operation = (await league.newest_cascade("a")).id
        listed, _ = await listings.children_page(league.harness.pool, league.harness.tenant, operation, None, None, 10)
        return {row.state for row in listed if row.child == "s1"} == {"requested"}

    await eventually(answered)
    await league.relay.release()
    assert counts(await league.wait_for_cascade("a")) == all_done(3)
    ((attempts, effects),) = (await league.commands("league")).values()
    assert (attempts > 1, effects) == (True, 1)
