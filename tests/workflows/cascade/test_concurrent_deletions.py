"""Deletions that are requested while their entity is deleted, is created again, or is requested to be deleted again."""

import pytest

from messages.operation_reasons import describe_operation
from store.operations import operations
from tests.support.events import Event
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import all_done, counts, wait_until_at_rest

pytestmark = pytest.mark.stack


async def facts_of_recreation(scenario: Scenario) -> list[Event]:
    """Creates the event a again at its owner; returns the facts of its deletion and creation, which are held back."""
    deleted = await scenario.relay.take("EventDeleted", "a")
    await scenario.request_owner("events", "POST", "/events", id="a", name="reborn")
    return [deleted, await scenario.relay.take("EventCreated", "a")]


@pytest.mark.parametrize("lost_answers", [0, 4])
async def test_confirmed_deletion_does_not_delete_the_recreated_event(
    running_scenario: Scenario, lost_answers: int
) -> None:
    """Even if the request is repeated because answers were lost: the incarnation that it named was deleted."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    scenario.relay.holding.add("events")
    scenario.transport.lost["events"] = lost_answers
    id = await scenario.request_deletion("a")
    await harness.record(*await facts_of_recreation(scenario))
    row = await harness.wait_for_operation(id, "done")
    assert row.ended_because == "recreated_since_request"
    await wait_until_at_rest(scenario)
    assert await scenario.entity_state("event", "a") == "live"
    assert (await scenario.client["events"].get("/events/a")).json()["name"] == "reborn"
    ours = {key: effects for key, (_, effects) in (await scenario.commands("events")).items()}
    assert list(ours.values()) == [1]


async def test_recreated_event_can_be_deleted_by_a_request_of_its_own(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    scenario.relay.holding.add("events")
    first = await scenario.request_deletion("a")
    facts = await facts_of_recreation(scenario)
    scenario.relay.holding.clear()
    await harness.record(*facts)
    await harness.wait_for_operation(first, "done")
    await scenario.create_teams("a", "t")
    second = await scenario.request_deletion("a")
    assert second != first
    assert counts(await harness.wait_for_operation(second, "done")) == all_done(1)
    assert [effects for _, effects in (await scenario.commands("events")).values()] == [1, 1]


async def test_cascade_belongs_to_the_later_of_two_requests_if_one_is_cancelled(scenario: Scenario) -> None:
    """Both requests and the fact precede the workflow's next round: the children are deleted for the second one."""
    harness = scenario.harness
    async with harness.running():
        await scenario.create_events("a")
        await scenario.create_teams("a", "t")
        scenario.relay.holding.add("events")
        first = await scenario.request_deletion("a")
        deleted = await scenario.relay.take("EventDeleted", "a")
    await operations.cancel(harness.pool, harness.tenant, first)
    second = await scenario.request_deletion("a")
    await harness.record(deleted)
    async with harness.running():
        row = await harness.wait_for_operation(first, "cancelled")
        assert row.ended_because == "already_deleted"
        assert counts(await harness.wait_for_operation(second, "done")) == all_done(1)
        await wait_until_at_rest(scenario)
    assert await scenario.teams_at_owner() == {}


async def test_deletion_by_the_owner_after_a_cancelled_request_cascades(
    running_scenario: Scenario,
) -> None:
    """Only the request was cancelled. The later deletion is the owner's own."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    scenario.transport.away.add("events")
    id = await scenario.request_deletion("a")
    await harness.wait_for_operation(id, "requested")
    await operations.cancel(harness.pool, harness.tenant, id)
    await harness.wait_for_operation(id, "cancelled")
    await scenario.request_owner("events", "DELETE", "/events/a")
    row = await scenario.wait_for_cascade("a")
    assert (row.kind, counts(row)) == ("cascade", all_done(1))
    assert (await harness.operation(id)).state == "cancelled"
    assert await scenario.teams_at_owner() == {}


async def test_cancelled_deletion_keeps_children_when_fact_has_no_correlation_id(
    running_scenario: Scenario,
) -> None:
    """Not every owner copies correlation ids."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    deleted = await scenario.relay.take("EventDeleted", "a")
    await harness.wait_for_operation(id, "requested")
    await operations.cancel(harness.pool, harness.tenant, id)
    await harness.wait_for_operation(id, "cancelled")
    await harness.record({name: value for name, value in deleted.items() if name != "correlationid"})
    await wait_until_at_rest(scenario)
    assert await scenario.teams_at_owner() == {"t": "a"}
    assert await scenario.effects("teams") == 0


async def test_request_for_a_recreated_event_does_not_join_the_earlier_one(scenario: Scenario) -> None:
    """Both facts are recorded, and no workflow has processed them yet."""
    harness = scenario.harness
    async with harness.running():
        await scenario.create_events("a")
        scenario.relay.holding.add("events")
        first = await scenario.request_deletion("a")
        await harness.wait_for_operation(first, "requested")
        facts = await facts_of_recreation(scenario)
    scenario.relay.holding.clear()
    await harness.record(*facts)
    second = await scenario.request_deletion("a")
    assert second != first
    async with harness.running():
        await harness.wait_for_operation(first, "done")
        assert describe_operation(await harness.wait_for_operation(second, "done")) == ""
        assert await scenario.entity_state("event", "a") == "deleted"


async def test_deletion_and_recreation_in_one_batch_end_the_operation(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    deleted = await scenario.relay.take("EventDeleted", "a")
    await scenario.request_owner("events", "POST", "/events", id="a", name="a")
    created = await scenario.relay.take("EventCreated", "a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "waiting for EventDeleted")
    await harness.record({name: value for name, value in deleted.items() if name != "correlationid"}, created)
    row = await harness.wait_for_operation(id, "done")
    assert row.ended_because == "recreated_since_request"
    await wait_until_at_rest(scenario)
