"""Runs of PlanWorkflow."""

from messages.workflow_ids import Subject
from store.operations.plans import PlanRequest
from tests.replay.stories.steps import A_LITTLE, cancel, create_known, redrive, running_with, wait_for_reason, without
from tests.support.scenario import Scenario


async def _executed(scenario: Scenario, request: PlanRequest) -> tuple[str, Subject]:
    id = (await scenario.execute_plan(request)).id
    return id, scenario.harness.subject("plan", request.kind, id)


MOVE_TWO = PlanRequest(kind="move", relationship="event_team", children=("t1", "t2"), to="b")
DETACH_ALL = PlanRequest(kind="detach", relationship="event_team", parent="a")


async def plan_moves(scenario: Scenario) -> Subject:
    """A plan that moves the teams of one event to another."""
    await create_known(scenario, "t1", "t2", "t3")
    id, subject = await _executed(scenario, MOVE_TWO)
    await scenario.harness.wait_for_operation(id, "done")
    return subject


async def plan_detaches(scenario: Scenario) -> Subject:
    """A plan that takes all teams out of their event, whose owner is away at first."""
    await create_known(scenario, "t1", "t2")
    scenario.transport.away.add("teams")
    id, subject = await _executed(scenario, DETACH_ALL)
    await scenario.wait_for_description(subject, "answered 503")
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(subject, A_LITTLE)
    await scenario.harness.wait_for_operation(id, "done")
    return subject


async def plan_cancelled(scenario: Scenario) -> Subject:
    """Cancelled while the owner of teams is away."""
    await create_known(scenario, "t1", "t2")
    scenario.transport.away.add("teams")
    id, subject = await _executed(scenario, DETACH_ALL)
    await scenario.wait_for_description(subject, "answered 503")
    await cancel(scenario, id)
    await scenario.harness.wait_for_operation(id, "cancelled")
    return subject


async def plan_incomplete(scenario: Scenario) -> Subject:
    """The owner refuses one of two teams."""
    await create_known(scenario, "t1", "t2")
    scenario.transport.refused["/teams/t2"] = (422, "no")
    id, subject = await _executed(scenario, MOVE_TWO)
    await scenario.harness.wait_for_operation(id, "incomplete")
    return subject


async def plan_redriven(scenario: Scenario) -> Subject:
    """The run that requests the refused team again."""
    subject = await plan_incomplete(scenario)
    await scenario.harness.wait_for_workflow_end(subject)
    scenario.transport.refused.clear()
    await redrive(scenario, subject.key)
    await scenario.harness.wait_for_operation(subject.key, "done")
    return subject


async def plan_signalled(scenario: Scenario) -> Subject:
    """An owner's fact is signalled straight to the plan's workflow."""
    await create_known(scenario, "t1", "t2")
    scenario.relay.holding.add("teams")
    id, subject = await _executed(scenario, MOVE_TWO)
    moved = [await scenario.relay.take("TeamMoved", team) for team in ("t1", "t2")]
    for fact in moved:
        await scenario.harness.workflow(subject).signal("TeamMoved", fact)
    await scenario.harness.wait_for_operation(id, "done")
    return subject


async def plan_orphaned(scenario: Scenario) -> Subject:
    """The relationship loses its command while a plan is executed, and gets it back."""
    harness, declared = scenario.harness, scenario.harness.catalog
    scenario.transport.refused = {"/event": (503, "")}
    async with running_with(scenario, declared):
        await scenario.create_events("a")
        await scenario.create_teams("a", "t1")
        id, subject = await _executed(scenario, DETACH_ALL)
        await wait_for_reason(scenario, id, "503")
    scenario.transport.refused = {}
    async with running_with(scenario, without(declared, "detach")):
        await wait_for_reason(scenario, id, "not declared")
    async with running_with(scenario, declared):
        await harness.wait_for_operation(id, "done")
        await harness.wait_for_workflow_end(subject)
    return subject


STORIES = (
    plan_moves,
    plan_detaches,
    plan_cancelled,
    plan_incomplete,
    plan_redriven,
    plan_signalled,
    plan_orphaned,
)
OPENING = (plan_orphaned,)
