"""Cascades: the teams of a deleted event are deleted, each exactly once, by their owner."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from messages.operation_reasons import describe_operation
from store.operations import operations
from tests.support.eventually import eventually
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack


def counts(row: Any) -> dict[str, int]:
    """Returns how many children an operation has found, and how many of them are in each state."""
    return {name: getattr(row, name) for name in ("found", "confirmed", "skipped", "parked", "remaining")}


def all_done(count: int) -> dict[str, int]:
    """Returns the counts of an operation whose children are all confirmed."""
    return {"found": count, "confirmed": count, "skipped": 0, "parked": 0, "remaining": 0}


async def delete_at_owner(scenario: Scenario, key: str = "a") -> None:
    """Deletes an event at its owner, as the owner's users do."""
    await scenario.request_owner("events", "DELETE", f"/events/{key}")


async def wait_until_at_rest(scenario: Scenario, key: str = "a") -> None:
    """Waits until nothing is left to dispatch or to wait for, and the cascade's workflow has ended."""
    await scenario.harness.wait_until_at_rest()
    await scenario.harness.wait_for_workflow_end(scenario.cascade_subject(key))


@pytest.mark.parametrize("count", [1, 30, 450])
async def test_each_team_of_a_deleted_event_is_deleted_once(running_scenario: Scenario, count: int) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    teams = [f"t{n:03}" for n in range(count)]
    await scenario.create_events("a", "b")
    await scenario.create_teams("b", "other")
    await scenario.create_teams("a", *teams)
    await delete_at_owner(scenario)
    row = await scenario.wait_for_cascade("a")
    assert counts(row) == all_done(count)
    assert (row.kind, row.actor, row.requested) == ("cascade", "/tether", count)
    assert await scenario.teams_at_owner() == {"other": "b"}
    assert await harness.links("event_team") == {"other": "b"}
    commands = await scenario.commands("teams")
    assert Counter(commands.values()) == {(1, 1): count}
    await wait_until_at_rest(scenario)


async def test_event_without_teams_starts_no_workflow(running_scenario: Scenario) -> None:
    scenario = running_scenario
    await scenario.create_events("a")
    await delete_at_owner(scenario)
    await scenario.wait_for_entities("event", ["a"], "deleted")
    assert await scenario.harness.count_rows("outbox") == 0
    assert await scenario.newest_cascade("a") is None


async def test_team_added_to_a_deleted_event_is_deleted(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1")
    await delete_at_owner(scenario)
    first = await scenario.wait_for_cascade("a")
    await wait_until_at_rest(scenario)
    await scenario.request_owner("teams", "POST", "/teams", id="t2", name="late", event_id="a")
    await scenario.wait_for_entities("team", ["t2"], "deleted")

    async def late_team_is_counted() -> bool:
        row = await scenario.newest_cascade("a")
        return bool(row.id == first.id and row.state == "done" and counts(row) == all_done(2))

    await eventually(late_team_is_counted)
    assert await scenario.teams_at_owner() == {}
    assert await scenario.effects("teams") == 2
    await wait_until_at_rest(scenario)
    assert await harness.links("event_team") == {}


async def test_team_known_before_its_event_is_deleted_with_it(running_scenario: Scenario) -> None:
    scenario = running_scenario
    scenario.relay.holding.add("events")
    await scenario.request_owner("events", "POST", "/events", id="a", name="a")
    await delete_at_owner(scenario)
    await scenario.create_teams("a", "t1")
    await scenario.relay.take("EventCreated", "a")
    await scenario.relay.release()  # the deletion alone
    await scenario.wait_for_cascade("a")
    assert await scenario.teams_at_owner() == {}
    await wait_until_at_rest(scenario)


async def test_teams_that_moved_before_the_cascade_are_skipped(running_scenario: Scenario) -> None:
    """The owner of the teams moved them before Tether had the facts, and refuses the deletions."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t1", "t2", "t3")
    scenario.relay.holding.add("teams")
    for team in ("t1", "t2"):
        await scenario.request_owner("teams", "POST", f"/teams/{team}/moves", event_id="b")
    await delete_at_owner(scenario)

    async def all_requested() -> bool:
        return len(scenario.transport.requests) >= 3

    await eventually(all_requested)
    await scenario.relay.release()
    row = await scenario.wait_for_cascade("a")
    assert counts(row) == {"found": 3, "confirmed": 1, "skipped": 2, "parked": 0, "remaining": 0}
    assert await scenario.teams_at_owner() == {"t1": "b", "t2": "b"}
    assert await harness.links("event_team") == {"t1": "b", "t2": "b"}
    await wait_until_at_rest(scenario)


async def test_refused_team_is_parked_and_the_others_are_deleted(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "..", "t1", "t2", "t3")  # no path can name the first
    scenario.transport.refused["/teams/t2"] = (422, "a fee is due")
    await delete_at_owner(scenario)
    row = await scenario.wait_for_cascade("a", "incomplete")
    assert counts(row) == {"found": 4, "confirmed": 2, "skipped": 0, "parked": 2, "remaining": 0}
    assert (row.ended_because, row.end_details) == ("children_parked", {"parked": 2})
    items = await harness.pool.fetch(
        "select child, park_reason, last_error from operation_children where tenant = $1 and state = 'parked' "
        "order by child",
        harness.tenant,
    )
    assert [item["child"] for item in items] == ["..", "t2"]
    assert [item["park_reason"] for item in items] == ["request_refused"] * 2
    assert items[0]["last_error"].startswith("DeleteTeam: team_id is '..', which cannot be a part of the path")
    assert items[1]["last_error"] == "DeleteTeam at teams refused with 422: a fee is due"
    assert sorted(await scenario.teams_at_owner()) == ["..", "t2"]
    await wait_until_at_rest(scenario)


async def wait_until_stuck(scenario: Scenario, key: str = "a") -> Any:
    """Waits until the newest cascade of an event is stuck; returns it."""

    async def there() -> Any:
        row = await scenario.newest_cascade(key)
        return row if row is not None and row.stuck_since is not None else None

    return await eventually(there)


async def test_cascade_completes_after_hours_of_an_unavailable_owner(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    teams = [f"t{n:02}" for n in range(40)]
    await scenario.create_events("a")
    await scenario.create_teams("a", *teams)
    scenario.transport.away.add("teams")
    await delete_at_owner(scenario)
    row = await wait_until_stuck(scenario)
    assert row.state == "running"
    assert describe_operation(row).startswith("event_team: ")
    assert "answered 503" in describe_operation(row)
    says = await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    assert says.startswith("0 of 40 children done: DeleteTeam at teams")
    await harness.fast_forward(scenario.cascade_subject("a"), timedelta(hours=6))
    later = await scenario.newest_cascade("a")
    assert (later.state, later.stuck_since) == ("running", row.stuck_since)
    assert await scenario.effects("teams") == 0
    scenario.transport.away.clear()
    await harness.fast_forward(scenario.cascade_subject("a"), timedelta(hours=2))
    row = await scenario.wait_for_cascade("a")
    assert counts(row) == all_done(40)
    assert (describe_operation(row), row.stuck_since) == ("", None)
    assert await scenario.effects("teams") == 40
    assert await scenario.teams_at_owner() == {}
    await wait_until_at_rest(scenario)


async def test_deletion_request_is_repeated_until_the_owner_is_available(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    scenario.transport.away.add("events")
    id = await scenario.request_deletion("a")
    row = await wait_until_stuck(scenario)
    assert "answered 503" in describe_operation(row)
    scenario.transport.away.clear()
    await harness.fast_forward(scenario.cascade_subject("a"), timedelta(hours=2))
    await harness.wait_for_operation(id, "done")
    assert await scenario.effects("events") == 1
    await wait_until_at_rest(scenario)


async def test_cancelled_cascade_stops_and_reports_what_remains(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    teams = [f"t{n:02}" for n in range(20)]
    await scenario.create_events("a")
    await scenario.create_teams("a", *teams)
    scenario.transport.away.add("teams")
    await delete_at_owner(scenario)
    row = await wait_until_stuck(scenario)
    await operations.cancel(harness.pool, harness.tenant, row.id)
    row = await scenario.wait_for_cascade("a", "cancelled")
    assert (row.ended_because, row.end_details) == ("stopped_midway", {"unconfirmed": 0, "remaining": 20})
    await harness.wait_for_workflow_end(scenario.cascade_subject("a"))
    scenario.transport.away.clear()
    await scenario.create_teams("a", "late")
    assert await scenario.effects("teams") == 0
    assert len(await scenario.teams_at_owner()) == 21
    await wait_until_at_rest(scenario)


@pytest.mark.slow
async def test_cascade_cancelled_midway_counts_confirmed_and_keeps_the_rest(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    teams = [f"t{n:02}" for n in range(30)]
    await scenario.create_events("a")
    await scenario.create_teams("a", *teams)
    scenario.transport.away_after["teams"] = 10
    await delete_at_owner(scenario)
    row = await wait_until_stuck(scenario)

    async def ten_are_deleted() -> bool:
        return len(await harness.links("event_team")) == 20

    await eventually(ten_are_deleted)
    await operations.cancel(harness.pool, harness.tenant, row.id)
    row = await scenario.wait_for_cascade("a", "cancelled")
    assert (row.ended_because, row.end_details) == ("stopped_midway", {"unconfirmed": 0, "remaining": 20})
    assert (row.confirmed, row.skipped, row.parked) == (10, 0, 0)
    await wait_until_at_rest(scenario)
    assert await scenario.effects("teams") == 10
    assert len(await scenario.teams_at_owner()) == 20


async def test_event_deleted_twice_has_one_cascade_per_incarnation(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    for incarnation in (1, 2):
        await scenario.create_events("a")
        await scenario.create_teams("a", "t", f"u{incarnation}")
        await delete_at_owner(scenario)
        await scenario.wait_for_entities("team", ["t", f"u{incarnation}"], "deleted")
        assert counts(await scenario.wait_for_cascade("a")) == all_done(2)
        await wait_until_at_rest(scenario)
    rows = await harness.pool.fetch(
        "select incarnation, state from operations where tenant = $1 and workflow = 'cascade'", harness.tenant
    )
    assert {row["state"] for row in rows} == {"done"}
    assert len({row["incarnation"] for row in rows}) == 2
    assert Counter((await scenario.commands("teams")).values()) == {(1, 1): 4}


async def test_recreated_event_keeps_the_teams_not_deleted_yet(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1", "t2")
    scenario.transport.away.add("teams")
    await delete_at_owner(scenario)
    await wait_until_stuck(scenario)
    # From then on the workflow waits for an hour before it requests again, unless a fact is signalled.
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    await scenario.create_events("a")
    row = await scenario.wait_for_cascade("a")
    assert row.ended_because == "recreated_during_cascade"
    scenario.transport.away.clear()
    await harness.wait_for_workflow_end(scenario.cascade_subject("a"))
    assert await scenario.teams_at_owner() == {"t1": "a", "t2": "a"}
    assert await scenario.effects("teams") == 0
    assert await harness.links("event_team") == {"t1": "a", "t2": "a"}
