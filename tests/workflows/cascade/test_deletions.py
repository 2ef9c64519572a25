"""Requested deletions: the command goes to the owner, and only the owner's fact deletes the entity."""

from datetime import timedelta

import pytest

from errors import Conflict, KeyReused, Unknown
from gateways.answers import ATTEMPTS
from messages.operation_reasons import describe_operation
from store.operations import operations
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import all_done, counts, wait_until_at_rest

pytestmark = pytest.mark.stack


async def test_requested_deletion_cascades_after_the_owners_fact(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1", "t2")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    deleted = await scenario.relay.take("EventDeleted", "a")
    await harness.wait_for_operation(id, "requested")
    assert await scenario.entity_state("event", "a") == "live"
    says = await scenario.wait_for_description(
        scenario.cascade_subject("a"), "waiting for EventDeleted from events, due "
    )
    assert says.endswith(" UTC")
    assert [sent[:2] for sent in scenario.transport.requests] == [("events", "DELETE")]
    await harness.record(deleted)
    row = await harness.wait_for_operation(id, "done")
    assert (row.kind, counts(row)) == ("delete", all_done(2))
    assert await scenario.teams_at_owner() == {}
    assert list((await scenario.commands("events")).values()) == [(1, 1)]
    assert await scenario.effects("teams") == 2
    await wait_until_at_rest(scenario)


async def test_deletion_without_children_is_done_with_the_owners_fact(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    id = await scenario.request_deletion("a")
    row = await harness.wait_for_operation(id, "done")
    assert counts(row) == all_done(0)
    await wait_until_at_rest(scenario)


async def test_repeated_deletion_request_joins_the_open_operation(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    assert await scenario.request_deletion("a") == id
    deleted = await scenario.relay.take("EventDeleted", "a")
    await harness.record(deleted)
    await harness.wait_for_operation(id, "done")
    with pytest.raises(Conflict, match="event 'a' is deleted already"):
        await scenario.request_deletion("a")
    with pytest.raises(Unknown, match="no event 'z' is known"):
        await scenario.request_deletion("z")
    with pytest.raises(Conflict, match="no command deletes a category"):
        await scenario.request_deletion("c", "category")


async def test_idempotency_key_of_a_joined_deletion_keeps_its_operation(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    first = await scenario.request_deletion("a", by="one")
    assert await scenario.request_deletion("a", by="two") == first
    with pytest.raises(KeyReused):
        await scenario.request_deletion("b", by="two")
    await harness.wait_for_operation(first, "done")
    assert [await scenario.request_deletion("a", by=key) for key in ("one", "two")] == [first, first]
    assert await scenario.entity_state("event", "b") == "live"


async def test_contradicted_deletion_is_repeated_and_then_refused(running_scenario: Scenario) -> None:
    scenario = running_scenario
    await scenario.create_events("a")
    scenario.transport.refused["/events/a"] = (409, "tickets are sold")
    id = await scenario.request_deletion("a")
    row = await scenario.harness.wait_until_refused(id, scenario.cascade_subject("a"))
    assert describe_operation(row) == "DeleteEvent at events refused with 409: tickets are sold"
    assert (len(scenario.transport.keys), len(set(scenario.transport.keys))) == (ATTEMPTS, 1)
    assert await scenario.entity_state("event", "a") == "live"


async def test_refused_deletion_changes_nothing(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1")
    scenario.transport.refused["/events/a"] = (422, "tickets are sold")
    id = await scenario.request_deletion("a")
    row = await harness.wait_for_operation(id, "refused")
    assert describe_operation(row) == "DeleteEvent at events refused with 422: tickets are sold"
    assert await harness.links("event_team") == {"t1": "a"}
    await wait_until_at_rest(scenario)


async def test_unconfirmed_deletion_expires_and_a_late_fact_cascades(
    running_scenario: Scenario,
) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    deleted = await scenario.relay.take("EventDeleted", "a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "waiting for EventDeleted")
    await harness.fast_forward(scenario.cascade_subject("a"), timedelta(hours=24, seconds=1))
    row = await harness.wait_for_operation(id, "expired")
    assert (row.ended_because, row.end_details) == ("not_confirmed", {"fact": "EventDeleted"})
    await harness.wait_for_workflow_end(scenario.cascade_subject("a"))
    await harness.record(deleted)
    await scenario.wait_for_entities("team", ["t1"], "deleted")
    row = await scenario.wait_for_cascade("a")
    assert (row.kind, counts(row)) == ("cascade", all_done(1))
    await wait_until_at_rest(scenario)


async def test_deletion_cancelled_before_its_request_sends_none(
    scenario: Scenario,
) -> None:
    harness = scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1")
    id = await scenario.request_deletion("a")
    await operations.cancel(harness.pool, harness.tenant, id)
    async with harness.running():
        row = await harness.wait_for_operation(id, "cancelled")
        await wait_until_at_rest(scenario)
    assert describe_operation(row) == ""
    assert scenario.transport.requests == []


async def test_deletion_cancelled_after_its_request_keeps_the_teams(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    deleted = await scenario.relay.take("EventDeleted", "a")
    await operations.cancel(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "cancelled")
    assert (row.ended_because, row.owner_may_still_act) == (None, True)
    await harness.record(deleted)
    await wait_until_at_rest(scenario)
    assert await harness.links("event_team") == {"t1": "a"}
    assert await scenario.teams_at_owner() == {"t1": "a"}
