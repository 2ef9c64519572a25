"""Deletions that are asked for while their entity ends, lives again, or is asked to be deleted once more."""

import pytest

from messages.operation_reasons import describe_operation
from store.operations import operations
from tests.support.events import Event
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import all_done, at_rest, counts

pytestmark = pytest.mark.stack


async def deleted_and_created_anew(scenario: Scenario) -> list[Event]:
    """The owner's two facts of it, which nobody was told of."""
    deleted = await scenario.relay.take("EventDeleted", "a")
    await scenario.request_owner("events", "POST", "/events", id="a", name="reborn")
    return [deleted, await scenario.relay.take("EventCreated", "a")]


@pytest.mark.parametrize("lost_answers", [0, 4])
async def test_a_deletion_that_came_about_lets_the_next_life_be(running_scenario: Scenario, lost_answers: int) -> None:
    """However often the owner is asked again for want of an answer: what was to be deleted is gone."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    scenario.relay.holding.add("events")
    scenario.transport.lost["events"] = lost_answers
    id = await scenario.request_deletion("a")
    await harness.record(*await deleted_and_created_anew(scenario))
    row = await harness.wait_for_operation(id, "done")
    assert row.ended_because == "recreated_since_request"
    await at_rest(scenario)
    assert await scenario.entity_state("event", "a") == "live"
    assert (await scenario.client["events"].get("/events/a")).json()["name"] == "reborn"
    ours = {key: effects for key, (_, effects) in (await scenario.commands("events")).items()}
    assert list(ours.values()) == [1]


async def test_the_next_life_can_be_deleted_by_a_wish_of_its_own(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    scenario.relay.holding.add("events")
    first = await scenario.request_deletion("a")
    facts = await deleted_and_created_anew(scenario)
    scenario.relay.holding.clear()
    await harness.record(*facts)
    await harness.wait_for_operation(first, "done")
    await scenario.create_teams("a", "t")
    second = await scenario.request_deletion("a")
    assert second != first
    assert counts(await harness.wait_for_operation(second, "done")) == all_done(1)
    assert [effects for _, effects in (await scenario.commands("events")).values()] == [1, 1]


async def test_an_end_that_a_cancelled_and_a_later_wish_brought_about_is_the_later_ones(scenario: Scenario) -> None:
    """All of it before any workflow looks: nobody who still wishes for it is told that children are left."""
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
        await at_rest(scenario)
    assert await scenario.teams_at_owner() == {}


async def test_an_owner_that_deletes_by_itself_what_was_cancelled_in_time_has_its_children_follow(
    running_scenario: Scenario,
) -> None:
    """What was cancelled is the wish; this end is another one."""
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


async def test_what_was_promised_of_a_cancelled_deletion_holds_where_the_fact_does_not_say_whose_it_is(
    running_scenario: Scenario,
) -> None:
    """Not every owner copies a correlation id."""
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
    await at_rest(scenario)
    assert await scenario.teams_at_owner() == {"t": "a"}
    assert await scenario.effects("teams") == 0


async def test_a_wish_for_the_next_life_does_not_join_the_one_for_the_last(scenario: Scenario) -> None:
    """Both facts have come, and nobody has looked since."""
    harness = scenario.harness
    async with harness.running():
        await scenario.create_events("a")
        scenario.relay.holding.add("events")
        first = await scenario.request_deletion("a")
        await harness.wait_for_operation(first, "requested")
        facts = await deleted_and_created_anew(scenario)
    scenario.relay.holding.clear()
    await harness.record(*facts)
    second = await scenario.request_deletion("a")
    assert second != first
    async with harness.running():
        await harness.wait_for_operation(first, "done")
        assert describe_operation(await harness.wait_for_operation(second, "done")) == ""
        assert await scenario.entity_state("event", "a") == "deleted"


async def test_an_end_and_a_new_life_in_one_batch_end_a_deletion_although_nothing_seems_to_have_changed(
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
    await at_rest(scenario)
