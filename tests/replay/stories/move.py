"""Runs of MoveWorkflow."""

from datetime import timedelta

from messages.workflow_ids import Subject
from tests.replay.stories.steps import (
    A_LITTLE,
    cancel,
    create_known,
    running_with,
    signal_until_continued,
    start_by_signal,
    wait_for_reason,
    without,
)
from tests.support.scenario import Scenario
from tests.workflows.move.test_moves import A_DAY


async def move_done(scenario: Scenario) -> Subject:
    """Requested, confirmed."""
    await create_known(scenario, "t")
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
    await create_known(scenario, "t")
    scenario.transport.refused["/moves"] = (422, "no")
    await scenario.harness.wait_for_operation(await scenario.request_move("t", "b"), "refused")
    return scenario.move_subject("t")


async def move_refused_later(scenario: Scenario) -> Subject:
    """The owner of teams is away at first and then refuses."""
    await create_known(scenario, "t")
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
    await create_known(scenario, "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "answered 503")
    await scenario.harness.fast_forward(scenario.move_subject("t"), A_DAY)
    await scenario.harness.wait_for_operation(id, "expired")
    return scenario.move_subject("t")


async def move_cancelled(scenario: Scenario) -> Subject:
    """Cancelled while its owner is away."""
    await create_known(scenario, "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "answered 503")
    await cancel(scenario, id)
    await scenario.harness.wait_for_operation(id, "cancelled")
    return scenario.move_subject("t")


async def move_queued(scenario: Scenario) -> Subject:
    """One is requested, one superseded, and the third comes after the first; the owner is away at first."""
    await create_known(scenario, "t")
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
    await create_known(scenario, "t")
    scenario.relay.holding.add("teams")
    id = await scenario.request_move("t", "b")
    moved = await scenario.relay.take("TeamMoved", "t")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for team t")
    await scenario.harness.workflow(scenario.move_subject("t")).signal("TeamMoved", moved)
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.move_subject("t")


async def move_nonsense(scenario: Scenario) -> Subject:
    """Nonsense is signalled while no move is under way."""
    await create_known(scenario, "t")
    await start_by_signal(scenario, "MoveWorkflow", scenario.move_subject("t"), "TeamMoved", "nonsense")
    return scenario.move_subject("t")


async def move_unknown_id(scenario: Scenario) -> Subject:
    """Neither the workflow's id nor its input name a team: the run fails."""
    subject = scenario.harness.subject("other", "event_team", "t")
    await start_by_signal(scenario, "MoveWorkflow", subject, "TeamMoved", "nonsense")
    return subject


async def move_continued(scenario: Scenario) -> Subject:
    """A run that continues as new while its owner is away: the last run, which requests again by the same key."""
    await create_known(scenario, "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "answered 503")
    await signal_until_continued(scenario, scenario.move_subject("t"))
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.move_subject("t"), A_LITTLE)
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.move_subject("t")


async def move_orphaned(scenario: Scenario) -> Subject:
    """The relationship loses its move command while a move is under way, and gets it back."""
    harness, declared = scenario.harness, scenario.harness.catalog
    async with running_with(scenario, declared):
        await scenario.create_events("a")
        await scenario.create_teams("a", "t")
        id = await scenario.request_move("t", "b")
        await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b")
    async with running_with(scenario, without(declared, "move")):
        await scenario.create_events("b")
        await wait_for_reason(scenario, id, "not declared")
    async with running_with(scenario, declared):
        await harness.fast_forward(scenario.move_subject("t"), timedelta(minutes=2))
        await harness.wait_for_operation(id, "done")
        await harness.wait_for_workflow_end(scenario.move_subject("t"))
    return scenario.move_subject("t")


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
    move_orphaned,
)
OPENING = (move_orphaned,)
