"""Owners whose responses are wrong or missing: which of them Tether relies on, and for how long."""

from datetime import timedelta

import pytest

from examples.owner.misbehaviour.settings import BusyAnswers, MisbehaviourSettings
from messages.operation_reasons import describe_operation
from tests.support.eventually import eventually
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import (
    all_done,
    counts,
    delete_at_owner,
    wait_until_at_rest,
    wait_until_stuck,
)

pytestmark = pytest.mark.stack


async def test_teams_temporarily_unknown_to_their_owner_are_requested_again(
    running_scenario: Scenario,
) -> None:
    """As if a proxy answered 404 to every request while the service behind it is down."""
    scenario = running_scenario
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1", "t2")
    scenario.transport.refused = {"/teams": (404, "default backend")}
    await delete_at_owner(scenario)

    async def both_requested() -> bool:
        return len(scenario.transport.requests) >= 2

    await eventually(both_requested)
    scenario.transport.refused = {}
    assert counts(await scenario.wait_for_cascade("a")) == all_done(2)
    assert await scenario.teams_at_owner() == {}
    await wait_until_at_rest(scenario)


async def test_event_temporarily_unknown_to_its_owner_is_requested_again(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    scenario.transport.refused = {"/events": (404, "default backend")}
    id = await scenario.request_deletion("a")
    row = await wait_until_stuck(scenario)
    assert describe_operation(row) == "DeleteEvent at events refused with 404: default backend"
    scenario.transport.refused = {}
    await harness.wait_for_operation(id, "done")
    assert await scenario.entity_state("event", "a") == "deleted"


async def test_team_always_unknown_to_its_owner_is_parked(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams(None, "t")
    # The owner of teams does not know of this link.
    await harness.wait_for_operation(await harness.link("event_team", "a", "t"), "done")
    await delete_at_owner(scenario)

    async def tried() -> bool:
        query = "select attempts from operation_children where tenant = $1"
        return int(await harness.pool.fetchval(query, harness.tenant) or 0) >= 2

    await eventually(tried)
    await harness.pool.execute("update operation_children set attempts = 29 where tenant = $1", harness.tenant)
    row = await scenario.wait_for_cascade("a", "incomplete")
    assert row.parked == 1
    query = "select park_reason, last_error from operation_children where tenant = $1"
    parked = await harness.pool.fetchrow(query, harness.tenant)
    assert parked is not None
    assert parked["park_reason"] == "attempts_exhausted"
    assert parked["last_error"].startswith("DeleteTeam at teams refused with 412: ")
    keys = scenario.transport.keys  # a stored answer would be repeated under the same key
    assert len(set(keys)) == len(keys)
    await wait_until_at_rest(scenario)


@pytest.mark.slow
async def test_cascade_has_no_deadline_for_an_unavailable_owner(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1", "t2")
    scenario.transport.away.add("teams")
    await delete_at_owner(scenario)
    await wait_until_stuck(scenario)
    await harness.pool.execute(
        "update operation_children set changed_at = changed_at - interval '3 days' where tenant = $1", harness.tenant
    )
    await harness.fast_forward(scenario.cascade_subject("a"), timedelta(days=3))
    row = await scenario.newest_cascade("a")
    assert (row.state, row.parked) == ("running", 0)
    scenario.transport.away.clear()
    await harness.fast_forward(scenario.cascade_subject("a"), timedelta(hours=2))
    assert counts(await scenario.wait_for_cascade("a")) == all_done(2)


async def test_team_is_not_moved_into_an_event_deleted_meanwhile(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.transport.refused = {"/teams/t": (503, "")}
    id = await scenario.request_move("t", "b")

    async def failed() -> bool:
        return bool(describe_operation(await harness.operation(id)))

    await eventually(failed)
    await scenario.request_owner("events", "DELETE", "/events/b")
    await scenario.wait_for_entities("event", ["b"], "deleted")
    scenario.transport.refused = {}
    row = await harness.wait_for_operation(id, "refused")
    assert describe_operation(row) == "event b is deleted; it may still move"
    assert await scenario.teams_at_owner() == {"t": "a"}
    assert await scenario.effects("teams") == 0
    await harness.wait_for_workflow_end(scenario.move_subject("t"))


async def test_recreated_team_is_not_moved_in_place_of_the_first(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.transport.refused = {"/teams/t": (503, "")}
    id = await scenario.request_move("t", "b")
    await harness.wait_for_operation(id, "requested")
    scenario.relay.holding = {"teams"}
    await scenario.request_owner("teams", "DELETE", "/teams/t")
    await scenario.request_owner("teams", "POST", "/teams", id="t", name="another", event_id="a")
    deleted = await scenario.relay.take("TeamDeleted", "t")
    await harness.record(deleted, await scenario.relay.take("TeamCreated", "t"))
    scenario.transport.refused = {}
    row = await harness.wait_for_operation(id, "refused")
    assert describe_operation(row).startswith("team t was deleted and created again")
    assert await scenario.teams_at_owner() == {"t": "a"}


async def test_team_without_event_is_not_moved_out_of_a_later_one(
    running_scenario: Scenario,
) -> None:
    scenario = running_scenario
    await scenario.create_events("b", "c")
    await scenario.create_teams(None, "t")
    scenario.relay.holding = {"teams"}
    await scenario.request_owner("teams", "POST", "/teams/t/moves", event_id="c")
    row = await scenario.harness.wait_until_refused(await scenario.request_move("t", "b"), scenario.move_subject("t"))
    assert "the team 't' is in 'c', not in no event".lower() in describe_operation(row).lower()
    assert await scenario.teams_at_owner() == {"t": "c"}


async def test_late_older_deletion_does_not_refuse_a_move(running_scenario: Scenario) -> None:
    """The child is still the one that the request named; only the fact of an earlier incarnation came late."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    scenario.relay.holding = {"teams"}
    await scenario.request_owner("teams", "POST", "/teams", id="t", name="first", event_id="a")
    await scenario.request_owner("teams", "DELETE", "/teams/t")
    await scenario.request_owner("teams", "POST", "/teams", id="t", name="second", event_id="a")
    deleted = await scenario.relay.take("TeamDeleted", "t")
    await harness.record(await scenario.relay.take("TeamCreated", "t", 2))
    scenario.transport.refused = {"/teams/t": (503, "")}
    id = await scenario.request_move("t", "b")
    await harness.wait_for_operation(id, "requested")
    await harness.record(deleted)
    scenario.transport.refused = {}
    scenario.relay.holding.clear()
    await harness.wait_for_operation(id, "done")
    assert await scenario.teams_at_owner() == {"t": "b"}


async def test_owner_that_limits_requests_gets_every_team(
    running_scenario: Scenario,
) -> None:
    """Requests that the owner turned away, or that were not sent, are not counted as attempts of a child."""
    scenario, harness = running_scenario, running_scenario.harness
    teams = [f"t{n:02}" for n in range(60)]
    await scenario.create_events("a")
    await scenario.create_teams("a", *teams)
    scenario.misbehave("teams", MisbehaviourSettings(busy=BusyAnswers(share=0.7, retry_after=1)))
    await delete_at_owner(scenario)

    async def some_are_tried_again() -> bool:
        query = "select count(*) from operation_children where tenant = $1 and state = 'failing'"
        return bool(await harness.pool.fetchval(query, harness.tenant) > 5)

    await eventually(some_are_tried_again)
    query = "select max(attempts) from operation_children where tenant = $1 and state = 'failing'"
    assert not await harness.pool.fetchval(query, harness.tenant)
    scenario.misbehave("teams", MisbehaviourSettings())
    assert counts(await scenario.wait_for_cascade("a", seconds=60)) == all_done(60)


async def test_team_in_conflict_is_parked_with_its_owners_words(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t", "u")
    scenario.transport.refused = {"/teams/t": (409, "its fee is not paid")}
    await delete_at_owner(scenario)

    async def counted() -> bool:
        query = "select attempts from operation_children where tenant = $1 and child = 't'"
        return int(await harness.pool.fetchval(query, harness.tenant) or 0) >= 2

    await eventually(counted)
    await harness.pool.execute("update operation_children set attempts = 29 where tenant = $1", harness.tenant)
    row = await scenario.wait_for_cascade("a", "incomplete")
    assert (row.parked, row.confirmed) == (1, 1)
    query = "select last_error, redrives from operation_children where tenant = $1 and state = 'parked'"
    parked = await harness.pool.fetchrow(query, harness.tenant)
    assert parked is not None
    assert tuple(parked) == ("DeleteTeam at teams refused with 409: its fee is not paid", 0)
    await wait_until_at_rest(scenario)


@pytest.mark.slow
async def test_child_is_counted_once_whatever_its_owner_answers(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    answers = [(404, "not found"), (503, ""), (404, "not found"), (503, "")]
    scenario.transport.refused = {"/teams/t": answers[0]}
    await delete_at_owner(scenario)
    for n, answer in enumerate(answers):
        scenario.transport.refused = {"/teams/t": answer}
        before = len(scenario.transport.requests)

        async def requested(before: int = before, more: int = 1 + (n > 0)) -> bool:
            return len(scenario.transport.requests) >= before + more

        await eventually(requested)
    scenario.transport.refused = {}
    row = await scenario.wait_for_cascade("a")
    assert (counts(row), row.requested) == (all_done(1), 1)
    assert await harness.count_rows("outbox") == 0
