"""Runs of the workflows of operations: moves, deletions with their cascades, plans."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from catalog.catalog import Catalog
from messages.workflow_ids import Subject
from store.operations import operations
from store.operations.plans import PlanRequest
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import call_off, stuck
from tests.workflows.move.test_moves import A_DAY

A_LITTLE = timedelta(hours=2)


async def _known(scenario: Scenario, *teams: str) -> None:
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", *teams)


async def _cancel(scenario: Scenario, id: str) -> None:
    await operations.cancel(scenario.harness.pool, scenario.harness.tenant, id)


async def _redrive(scenario: Scenario, id: str) -> None:
    await operations.redrive(scenario.harness.pool, scenario.harness.tenant, id)


async def _storm(scenario: Scenario, subject: Subject) -> None:
    """Signals until the run has continued as new."""
    handle = scenario.harness.workflow(subject)
    first = (await handle.describe()).run_id

    async def continued() -> bool:
        await handle.signal("TeamCreated", {"source": "/teams", "id": "x", "revision": 1})
        return (await handle.describe()).run_id != first

    await eventually(continued)


async def _signalled(scenario: Scenario, workflow: str, subject: Subject, name: str, fact: Any) -> None:
    harness = scenario.harness
    await harness.client.start_workflow(
        workflow,
        None,
        id=harness.workflow(subject).id,
        task_queue=harness.tenant,
        start_signal=name,
        start_signal_args=[fact],
    )


@asynccontextmanager
async def _declaring(scenario: Scenario, catalog: Catalog) -> AsyncIterator[None]:
    """Tether's processes run with these declarations within it."""
    scenario.harness.catalog = catalog
    async with scenario.harness.running():
        yield


def _without(catalog: Catalog, command: str) -> Catalog:
    relationships = dict(catalog.relationships)
    lacking: dict[str, Any] = {command: None}
    relationships["event_team"] = replace(relationships["event_team"], **lacking)
    return Catalog(catalog.contracts, relationships)


async def _reason(scenario: Scenario, id: str, part: str) -> None:
    async def there() -> bool:
        return part in str((await scenario.harness.operation(id))["reason"])

    await eventually(there)


async def move_done(scenario: Scenario) -> Subject:
    """Requested, confirmed."""
    await _known(scenario, "t")
    await scenario.harness.wait_for_operation(await scenario.request_move("t", "b"), "done")
    return scenario.move_subject("t")


async def move_waiting(scenario: Scenario) -> Subject:
    """To an event that is created later."""
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b")
    await scenario.create_events("b")
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.move_subject("t")


async def move_refused(scenario: Scenario) -> Subject:
    """The owner of teams refuses."""
    await _known(scenario, "t")
    scenario.transport.refused["/moves"] = (422, "no")
    await scenario.harness.wait_for_operation(await scenario.request_move("t", "b"), "refused")
    return scenario.move_subject("t")


async def move_refused_later(scenario: Scenario) -> Subject:
    """The owner of teams is away at first and then refuses."""
    await _known(scenario, "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "answered 503")
    scenario.transport.away.clear()
    scenario.transport.refused["/moves"] = (422, "no")
    await scenario.harness.fast_forward(scenario.move_subject("t"), A_LITTLE)
    await scenario.harness.wait_for_operation(id, "refused")
    return scenario.move_subject("t")


async def move_expired(scenario: Scenario) -> Subject:
    """To an event that is never created."""
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b")
    await scenario.harness.fast_forward(scenario.move_subject("t"), A_DAY)
    await scenario.harness.wait_for_operation(id, "expired")
    return scenario.move_subject("t")


async def move_expired_away(scenario: Scenario) -> Subject:
    """The owner of teams is away for a day: the repeated request ends with the deadline."""
    await _known(scenario, "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "answered 503")
    await scenario.harness.fast_forward(scenario.move_subject("t"), A_DAY)
    await scenario.harness.wait_for_operation(id, "expired")
    return scenario.move_subject("t")


async def move_cancelled(scenario: Scenario) -> Subject:
    """Cancelled while its owner is away."""
    await _known(scenario, "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "answered 503")
    await _cancel(scenario, id)
    await scenario.harness.wait_for_operation(id, "cancelled")
    return scenario.move_subject("t")


async def move_queued(scenario: Scenario) -> Subject:
    """One is requested, one superseded, and the third comes after the first; the owner is away at first."""
    await _known(scenario, "t")
    scenario.transport.away.add("teams")
    scenario.relay.holding.add("teams")
    first = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "answered 503")
    second, third = await scenario.request_move("t", "b"), await scenario.request_move("t", "a")
    await scenario.harness.wait_for_operation(second, "superseded")
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.move_subject("t"), A_LITTLE)
    moved = await scenario.relay.take("TeamMoved", "t")
    scenario.relay.holding.clear()
    await scenario.harness.record(moved)
    await scenario.harness.wait_for_operation(first, "done")
    await scenario.harness.wait_for_operation(third, "done")
    return scenario.move_subject("t")


async def move_signalled(scenario: Scenario) -> Subject:
    """The owner's fact is signalled straight to the workflow."""
    await _known(scenario, "t")
    scenario.relay.holding.add("teams")
    id = await scenario.request_move("t", "b")
    moved = await scenario.relay.take("TeamMoved", "t")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for team t")
    await scenario.harness.workflow(scenario.move_subject("t")).signal("TeamMoved", moved)
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.move_subject("t")


async def move_nonsense(scenario: Scenario) -> Subject:
    """Nonsense is signalled while no move is under way."""
    await _known(scenario, "t")
    await _signalled(scenario, "MoveWorkflow", scenario.move_subject("t"), "TeamMoved", "nonsense")
    return scenario.move_subject("t")


async def move_unknown_id(scenario: Scenario) -> Subject:
    """Neither the workflow's id nor its input name a team: the run fails."""
    subject = scenario.harness.subject("other", "event_team", "t")
    await _signalled(scenario, "MoveWorkflow", subject, "TeamMoved", "nonsense")
    return subject


async def move_continued(scenario: Scenario) -> Subject:
    """A run that continues as new while its owner is away: the last run, which requests again by the same key."""
    await _known(scenario, "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "answered 503")
    await _storm(scenario, scenario.move_subject("t"))
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.move_subject("t"), A_LITTLE)
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.move_subject("t")


async def move_orphaned(scenario: Scenario) -> Subject:
    """The relationship loses its move command while a move is under way, and gets it back."""
    harness, declared = scenario.harness, scenario.harness.catalog
    async with _declaring(scenario, declared):
        await scenario.create_events("a")
        await scenario.create_teams("a", "t")
        id = await scenario.request_move("t", "b")
        await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b")
    async with _declaring(scenario, _without(declared, "move")):
        await scenario.create_events("b")
        await _reason(scenario, id, "not declared")
    async with _declaring(scenario, declared):
        await harness.fast_forward(scenario.move_subject("t"), timedelta(minutes=2))
        await harness.wait_for_operation(id, "done")
        await harness.wait_for_workflow_end(scenario.move_subject("t"))
    return scenario.move_subject("t")


async def cascade_by_fact(scenario: Scenario) -> Subject:
    """An owner deletes an event that has teams."""
    await _known(scenario, "t1", "t2")
    await call_off(scenario)
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def cascade_by_operation(scenario: Scenario) -> Subject:
    """The deletion is requested by an operation."""
    await _known(scenario, "t1", "t2")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    deleted = await scenario.relay.take("EventDeleted", "a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "waiting for EventDeleted")
    await scenario.harness.record(deleted)
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.cascade_subject("a")


async def delete_refused(scenario: Scenario) -> Subject:
    """The owner of events refuses the deletion."""
    await _known(scenario, "t1")
    scenario.transport.refused["/events/a"] = (422, "tickets are sold")
    await scenario.harness.wait_for_operation(await scenario.request_deletion("a"), "refused")
    return scenario.cascade_subject("a")


async def delete_away(scenario: Scenario) -> Subject:
    """The owner of events is away, and comes back."""
    await _known(scenario, "t1")
    scenario.transport.away.add("events")
    id = await scenario.request_deletion("a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), A_LITTLE)
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.cascade_subject("a")


async def delete_expired(scenario: Scenario) -> Subject:
    """The owner of events confirms, and no fact comes before the deadline."""
    await _known(scenario, "t1")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    await scenario.relay.take("EventDeleted", "a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "waiting for EventDeleted")
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), A_DAY)
    await scenario.harness.wait_for_operation(id, "expired")
    return scenario.cascade_subject("a")


async def cascade_signalled(scenario: Scenario) -> Subject:
    """The deletion's fact is signalled straight to the workflow."""
    await _known(scenario, "t1", "t2")
    fact = {**event("EventDeleted", "a", 2), "source": "/events"}
    await _signalled(scenario, "CascadeDeleteWorkflow", scenario.cascade_subject("a"), "EventDeleted", fact)
    await scenario.wait_for_entities("team", ["t1", "t2"], "deleted")
    return scenario.cascade_subject("a")


async def cascade_late(scenario: Scenario) -> Subject:
    """The run for a team that is created after the cascade is done."""
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
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), A_LITTLE)
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def cascade_unanswered(scenario: Scenario) -> Subject:
    """Teams are deleted, and their facts do not come for minutes: they are requested again."""
    await _known(scenario, "t1", "t2")
    scenario.relay.holding.add("teams")
    await call_off(scenario)
    await scenario.relay.take("TeamDeleted", "t1")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "waiting for 2 facts")
    for _ in range(3):
        await scenario.harness.fast_forward(scenario.cascade_subject("a"), timedelta(minutes=2))
    deleted = {**event("TeamDeleted", "t1", 2), "source": "/teams"}
    await scenario.relay.release()
    await scenario.harness.record(deleted)
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def cascade_cancelled(scenario: Scenario) -> Subject:
    """Cancelled while the owner of teams is away."""
    await _known(scenario, "t1", "t2")
    scenario.transport.away.add("teams")
    await call_off(scenario)
    row = await stuck(scenario)
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    await _cancel(scenario, row["id"])
    await scenario.wait_for_cascade("a", "cancelled")
    return scenario.cascade_subject("a")


async def cascade_incomplete(scenario: Scenario) -> Subject:
    """The owner refuses one of two teams."""
    await _known(scenario, "t1", "t2")
    scenario.transport.refused["/teams/t2"] = (422, "it owes a fee")
    await call_off(scenario)
    await scenario.wait_for_cascade("a", "incomplete")
    return scenario.cascade_subject("a")


async def cascade_redriven(scenario: Scenario) -> Subject:
    """The run that requests the refused team again."""
    subject = await cascade_incomplete(scenario)
    await scenario.harness.wait_for_workflow_end(subject)
    scenario.transport.refused.clear()
    await _redrive(scenario, (await scenario.newest_cascade("a"))["id"])
    await scenario.wait_for_cascade("a")
    return subject


async def cascade_continued(scenario: Scenario) -> Subject:
    """A run that continues as new while the owner of teams is away: this is the first."""
    await _known(scenario, "t1")
    scenario.transport.away.add("teams")
    await call_off(scenario)
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    await _storm(scenario, scenario.cascade_subject("a"))
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), A_LITTLE)
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def cascade_continued_last(scenario: Scenario) -> Subject:
    """The same: the last run, which has what the first one carried over."""
    return await cascade_continued(scenario)


async def _executed(scenario: Scenario, request: PlanRequest) -> tuple[str, Subject]:
    id = (await scenario.execute_plan(request))["id"]
    return id, scenario.harness.subject("plan", request.kind, id)


MOVE_TWO = PlanRequest(kind="move", relationship="event_team", children=("t1", "t2"), to="b")
DETACH_ALL = PlanRequest(kind="detach", relationship="event_team", parent="a")


async def plan_moves(scenario: Scenario) -> Subject:
    """A plan that moves the teams of one event to another."""
    await _known(scenario, "t1", "t2", "t3")
    id, subject = await _executed(scenario, MOVE_TWO)
    await scenario.harness.wait_for_operation(id, "done")
    return subject


async def plan_detaches(scenario: Scenario) -> Subject:
    """A plan that takes all teams out of their event, whose owner is away at first."""
    await _known(scenario, "t1", "t2")
    scenario.transport.away.add("teams")
    id, subject = await _executed(scenario, DETACH_ALL)
    await scenario.wait_for_description(subject, "answered 503")
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(subject, A_LITTLE)
    await scenario.harness.wait_for_operation(id, "done")
    return subject


async def plan_cancelled(scenario: Scenario) -> Subject:
    """Cancelled while the owner of teams is away."""
    await _known(scenario, "t1", "t2")
    scenario.transport.away.add("teams")
    id, subject = await _executed(scenario, DETACH_ALL)
    await scenario.wait_for_description(subject, "answered 503")
    await _cancel(scenario, id)
    await scenario.harness.wait_for_operation(id, "cancelled")
    return subject


async def plan_incomplete(scenario: Scenario) -> Subject:
    """The owner refuses one of two teams."""
    await _known(scenario, "t1", "t2")
    scenario.transport.refused["/teams/t2"] = (422, "no")
    id, subject = await _executed(scenario, MOVE_TWO)
    await scenario.harness.wait_for_operation(id, "incomplete")
    return subject


async def plan_redriven(scenario: Scenario) -> Subject:
    """The run that requests the refused team again."""
    subject = await plan_incomplete(scenario)
    await scenario.harness.wait_for_workflow_end(subject)
    scenario.transport.refused.clear()
    await _redrive(scenario, subject.key)
    await scenario.harness.wait_for_operation(subject.key, "done")
    return subject


async def plan_signalled(scenario: Scenario) -> Subject:
    """An owner's fact is signalled straight to the plan's workflow."""
    await _known(scenario, "t1", "t2")
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
    async with _declaring(scenario, declared):
        await scenario.create_events("a")
        await scenario.create_teams("a", "t1")
        id, subject = await _executed(scenario, DETACH_ALL)
        await _reason(scenario, id, "503")
    scenario.transport.refused = {}
    async with _declaring(scenario, _without(declared, "detach")):
        await _reason(scenario, id, "not declared")
    async with _declaring(scenario, declared):
        await harness.wait_for_operation(id, "done")
        await harness.wait_for_workflow_end(subject)
    return subject


STORIES = (
    move_done,
    move_waiting,
    move_refused,
    move_refused_later,
    move_expired,
    move_expired_away,
    move_cancelled,
    move_queued,
    move_signalled,
    move_nonsense,
    move_unknown_id,
    move_continued,
    cascade_by_fact,
    cascade_by_operation,
    delete_refused,
    delete_away,
    delete_expired,
    cascade_signalled,
    cascade_late,
    cascade_stuck,
    cascade_unanswered,
    cascade_cancelled,
    cascade_incomplete,
    cascade_redriven,
    cascade_continued,
    cascade_continued_last,
    plan_moves,
    plan_detaches,
    plan_cancelled,
    plan_incomplete,
    plan_redriven,
    plan_signalled,
)
OPENING = (move_orphaned, plan_orphaned)
"""Stories that start Tether's processes themselves."""
