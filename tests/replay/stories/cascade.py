"""Runs of CascadeDeleteWorkflow."""

from datetime import timedelta

from messages.workflow_ids import Subject
from tests.replay.stories.steps import (
    A_LITTLE,
    cancel,
    create_known,
    redrive,
    signal_until_continued,
    start_by_signal,
)
from tests.support.events import event
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import delete_at_owner, wait_until_stuck
from tests.workflows.move.test_moves import A_DAY


async def cascade_by_fact(scenario: Scenario) -> Subject:
    """An owner deletes an event that has teams."""
    await create_known(scenario, "t1", "t2")
    await delete_at_owner(scenario)
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def cascade_by_operation(scenario: Scenario) -> Subject:
    """The deletion is requested by an operation."""
    await create_known(scenario, "t1", "t2")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    deleted = await scenario.relay.take("EventDeleted", "a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "waiting for EventDeleted")
    await scenario.harness.record(deleted)
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.cascade_subject("a")


async def delete_refused(scenario: Scenario) -> Subject:
    """The owner of events refuses the deletion."""
    await create_known(scenario, "t1")
    scenario.transport.refused["/events/a"] = (422, "tickets are sold")
    await scenario.harness.wait_for_operation(await scenario.request_deletion("a"), "refused")
    return scenario.cascade_subject("a")


async def delete_away(scenario: Scenario) -> Subject:
    """The owner of events is away, and comes back."""
    await create_known(scenario, "t1")
    scenario.transport.away.add("events")
    id = await scenario.request_deletion("a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), A_LITTLE)
    await scenario.harness.wait_for_operation(id, "done")
    return scenario.cascade_subject("a")


async def delete_expired(scenario: Scenario) -> Subject:
    """The owner of events confirms, and no fact comes before the deadline."""
    await create_known(scenario, "t1")
    scenario.relay.holding.add("events")
    id = await scenario.request_deletion("a")
    await scenario.relay.take("EventDeleted", "a")
    await scenario.wait_for_description(scenario.cascade_subject("a"), "waiting for EventDeleted")
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), A_DAY)
    await scenario.harness.wait_for_operation(id, "expired")
    return scenario.cascade_subject("a")


async def cascade_signalled(scenario: Scenario) -> Subject:
    """The deletion's fact is signalled straight to the workflow."""
    await create_known(scenario, "t1", "t2")
    fact = {**event("EventDeleted", "a", 2), "source": "/events"}
    await start_by_signal(scenario, "CascadeDeleteWorkflow", scenario.cascade_subject("a"), "EventDeleted", fact)
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
    await create_known(scenario, "t1", "t2")
    scenario.transport.away.add("teams")
    await delete_at_owner(scenario)
    await wait_until_stuck(scenario)
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), A_LITTLE)
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def cascade_unanswered(scenario: Scenario) -> Subject:
    """Teams are deleted, and their facts do not come for minutes: they are requested again."""
    await create_known(scenario, "t1", "t2")
    scenario.relay.holding.add("teams")
    await delete_at_owner(scenario)
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
    await create_known(scenario, "t1", "t2")
    scenario.transport.away.add("teams")
    await delete_at_owner(scenario)
    row = await wait_until_stuck(scenario)
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    await cancel(scenario, row.id)
    await scenario.wait_for_cascade("a", "cancelled")
    return scenario.cascade_subject("a")


async def cascade_incomplete(scenario: Scenario) -> Subject:
    """The owner refuses one of two teams."""
    await create_known(scenario, "t1", "t2")
    scenario.transport.refused["/teams/t2"] = (422, "a fee is due")
    await delete_at_owner(scenario)
    await scenario.wait_for_cascade("a", "incomplete")
    return scenario.cascade_subject("a")


async def cascade_redriven(scenario: Scenario) -> Subject:
    """The run that requests the refused team again."""
    subject = await cascade_incomplete(scenario)
    await scenario.harness.wait_for_workflow_end(subject)
    scenario.transport.refused.clear()
    await redrive(scenario, (await scenario.newest_cascade("a")).id)
    await scenario.wait_for_cascade("a")
    return subject


async def cascade_continued(scenario: Scenario) -> Subject:
    """A run that continues as new while the owner of teams is away: this is the first."""
    await create_known(scenario, "t1")
    scenario.transport.away.add("teams")
    await delete_at_owner(scenario)
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    await signal_until_continued(scenario, scenario.cascade_subject("a"))
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(scenario.cascade_subject("a"), A_LITTLE)
    await scenario.wait_for_cascade("a")
    return scenario.cascade_subject("a")


async def cascade_continued_last(scenario: Scenario) -> Subject:
    """The same: the last run, which has what the first one carried over."""
    return await cascade_continued(scenario)


STORIES = (
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
)
