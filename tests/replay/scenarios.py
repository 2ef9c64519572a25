"""Runs of the workflows of operations, for ``record``: what happens in each, and what its workflow is about."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from messages.workflow_ids import Subject
from store.operations import operations, plans
from store.operations.plans import PlanRequest
from tests.support.eventually import eventually
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import call_off, stuck

ScenarioStory = Callable[[Scenario], Awaitable[Subject]]


async def _known(scenario: Scenario, *teams: str) -> None:
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", *teams)


async def move_done(scenario: Scenario) -> Subject:
    """Asked for, told, done."""
    await _known(scenario, "t")
    await scenario.harness.wait_for_operation(await scenario.request_move("t", "b"), "done")
    return scenario.move_subject("t")


async def move_waiting(scenario: Scenario) -> Subject:
    """To an event that comes later."""
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b")
    await scenario.create_events("b")
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.move_subject("t")


async def move_refused(scenario: Scenario) -> Subject:
    """The owner of teams does not want to."""
    await _known(scenario, "t")
    scenario.transport.refused["/moves"] = (422, "no")
    await scenario.harness.wait_for_operation(await scenario.request_move("t", "b"), "refused")
    return scenario.move_subject("t")


async def move_queued(scenario: Scenario) -> Subject:
    """One is asked for, one superseded, and the third has its turn; the owner is away at first."""
    await _known(scenario, "t")
    scenario.transport.away.add("teams")
    scenario.relay.holding.add("teams")
    first = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "answered 503")
    second, third = await scenario.request_move("t", "b"), await scenario.request_move("t", "a")
    await scenario.harness.wait_for_operation(second, "superseded")
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.move_subject("t"), timedelta(hours=2))
    moved = await scenario.relay.take("TeamMoved", "t")
    scenario.relay.holding.clear()
    await scenario.harness.record(moved)
    await scenario.harness.wait_for_operation(first, "done")
    await scenario.harness.wait_for_operation(third, "done")
    return scenario.move_subject("t")


async def cascade_by_fact(scenario: Scenario) -> Subject:
    """An owner deletes an event that has teams."""
    await _known(scenario, "t1", "t2")
    await call_off(scenario)
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def cascade_by_operation(scenario: Scenario) -> Subject:
    """Somebody asks for the deletion."""
    await _known(scenario, "t1", "t2")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    deleted = await scenario.relay.take("EventDeleted", "a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "waiting for EventDeleted")
    await scenario.harness.record(deleted)
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.cascade_subject("a")


async def cascade_late(scenario: Scenario) -> Subject:
    """The run that sees to a team which comes after all was over."""
    await cascade_by_fact(scenario)
    await scenario.harness.wait_for_workflow_end(scenario.cascade_subject("a"))
    await scenario.request_owner("teams", "POST", "/teams", id="late", name="late", event_id="a")
    await scenario.wait_for_entities("team", ["late"], "deleted")
    return scenario.cascade_subject("a")


async def cascade_stuck(scenario: Scenario) -> Subject:
    """The owner of teams is away for hours."""
    await _known(scenario, "t1", "t2")
    scenario.transport.away.add("teams")
    await call_off(scenario)
    await stuck(scenario)
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), timedelta(hours=2))
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def cascade_cancelled(scenario: Scenario) -> Subject:
    """Somebody stops it."""
    await _known(scenario, "t1", "t2")
    scenario.transport.away.add("teams")
    await call_off(scenario)
    row = await stuck(scenario)
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    await operations.cancel(scenario.harness.pool, scenario.harness.tenant, row["id"])
    await scenario.wait_for_cascade("a", "cancelled")
    return scenario.cascade_subject("a")


async def cascade_continued(scenario: Scenario) -> Subject:
    """A run that made way for another, the owner being away: this is the first."""
    await _known(scenario, "t1")
    scenario.transport.away.add("teams")
    await call_off(scenario)
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    handle = scenario.harness.workflow(scenario.cascade_subject("a"))
    first = (await handle.describe()).run_id

    async def made_way() -> bool:
        await handle.signal("TeamCreated", {"source": "/teams", "id": "x", "revision": 1})
        return (await handle.describe()).run_id != first

    await eventually(made_way)
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), timedelta(hours=2))
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def plan_moves(scenario: Scenario) -> Subject:
    """A plan that moves the teams of one event to another."""
    await _known(scenario, "t1", "t2", "t3")
    harness = scenario.harness
    wish = PlanRequest(kind="move", relationship="event_team", children=("t1", "t2"), to="b")
    plan = await plans.create(harness.pool, harness.catalog, harness.tenant, wish, "test")
    row = await plans.execute(
        harness.pool,
        harness.catalog,
        harness.tenant,
        plan.id,
        include_appeared=False,
        actor="test",
        idempotency_key=None,
    )
    await harness.wait_for_operation(row["id"], "done")
    return harness.subject("plan", "move", row["id"])


SCENARIOS: dict[str, ScenarioStory] = {
    story.__name__: story
    for story in (
        move_done,
        move_waiting,
        move_refused,
        move_queued,
        cascade_by_fact,
        cascade_by_operation,
        cascade_late,
        cascade_stuck,
        cascade_cancelled,
        cascade_continued,
        plan_moves,
    )
}
