"""Deletions that somebody asks for: the owner is asked, and its fact alone is the end of an entity."""

from datetime import timedelta

import pytest

from errors import Conflict, KeyReused, Unknown
from messages.operation_reasons import describe_operation
from store.operations import operations
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import all_done, at_rest, counts

pytestmark = pytest.mark.stack


async def test_a_deletion_that_is_asked_for_is_its_owners_first(running_scenario: Scenario) -> None:
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
    assert [asked[:2] for asked in scenario.transport.requests] == [("events", "DELETE")]
    await harness.record(deleted)
    row = await harness.wait_for_operation(id, "done")
    assert (row.kind, counts(row)) == ("delete", all_done(2))
    assert await scenario.teams_at_owner() == {}
    assert list((await scenario.commands("events")).values()) == [(1, 1)]
    assert await scenario.effects("teams") == 2
    await at_rest(scenario)


async def test_a_deletion_of_what_has_no_children_is_done_with_its_fact(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    id = await scenario.request_deletion("a")
    row = await harness.wait_for_operation(id, "done")
    assert counts(row) == all_done(0)
    await at_rest(scenario)


async def test_who_asks_for_a_deletion_again_gets_the_one_that_is_under_way(running_scenario: Scenario) -> None:
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


async def test_who_joined_a_deletion_by_a_key_gets_it_by_that_key_ever_after(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    first = await scenario.request_deletion("a", by="one")
    assert await scenario.request_deletion("a", by="two") == first
    with pytest.raises(KeyReused):
        await scenario.request_deletion("b", by="two")
    await harness.wait_for_operation(first, "done")
    assert [await scenario.request_deletion("a", by=key) for key in ("one", "two")] == [first, first]
    assert await scenario.entity_state("event", "b") == "live"


async def test_an_owner_that_refuses_a_deletion_leaves_everything(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1")
    scenario.transport.refused["/events/a"] = (422, "tickets are sold")
    id = await scenario.request_deletion("a")
    row = await harness.wait_for_operation(id, "refused")
    assert describe_operation(row) == "DeleteEvent at events refused with 422: tickets are sold"
    assert await harness.links("event_team") == {"t1": "a"}
    await at_rest(scenario)


async def test_a_deletion_whose_owner_tells_nothing_expires_and_a_late_fact_still_cascades(
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
    await at_rest(scenario)


async def test_a_deletion_that_is_cancelled_before_its_owner_is_asked_does_not_happen(
    scenario: Scenario,
) -> None:
    harness = scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1")
    id = await scenario.request_deletion("a")
    await operations.cancel(harness.pool, harness.tenant, id)
    async with harness.running():
        row = await harness.wait_for_operation(id, "cancelled")
        await at_rest(scenario)
    assert describe_operation(row) == ""
    assert scenario.transport.requests == []


async def test_a_deletion_that_is_cancelled_too_late_leaves_the_teams(running_scenario: Scenario) -> None:
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
    await at_rest(scenario)
    assert await harness.links("event_team") == {"t1": "a"}
    assert await scenario.teams_at_owner() == {"t1": "a"}
