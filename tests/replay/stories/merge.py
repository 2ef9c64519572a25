"""Runs of MergeWorkflow."""

from dataclasses import replace
from typing import Any

from catalog.catalog import Catalog
from messages.workflow_ids import Subject
from tests.replay.stories.steps import A_LITTLE, cancel, redrive, running_with, wait_for_reason
from tests.support.merge_requests import create_people, merge_subject, request_merge, request_undo
from tests.support.people import kept_apart
from tests.support.scenario import Scenario


async def _away(scenario: Scenario) -> tuple[str, Subject]:
    """A merge whose loser cannot be retired, because the owner of people is away."""
    await create_people(scenario, "a", "b")
    scenario.transport.away.add("people")
    id = await request_merge(scenario.harness, "a", "b")
    subject = merge_subject(scenario.harness, id)
    await scenario.wait_for_description(subject, "answered 503")
    return id, subject


async def merge_done(scenario: Scenario) -> Subject:
    """Recorded, proven, both losers retired."""
    await create_people(scenario, "a", "b", "c")
    id = await request_merge(scenario.harness, "a", "b", "c")
    await scenario.harness.wait_for_operation(id, "done")
    return merge_subject(scenario.harness, id)


async def merge_of_unknown(scenario: Scenario) -> Subject:
    """Of a loser that is not known, so that there is nothing to retire."""
    id = await request_merge(scenario.harness, "a", "b")
    await scenario.harness.wait_for_operation(id, "done")
    return merge_subject(scenario.harness, id)


async def merge_refused(scenario: Scenario) -> Subject:
    """The owner says, after the request, that the two must never be merged."""
    id = await request_merge(scenario.harness, "a", "b")
    await scenario.harness.record(kept_apart("a", "b"))
    subject = merge_subject(scenario.harness, id)
    async with scenario.harness.running():
        await scenario.harness.wait_for_operation(id, "refused")
        await scenario.harness.wait_for_workflow_end(subject)
    return subject


async def merge_away(scenario: Scenario) -> Subject:
    """The owner of people is away at first."""
    id, subject = await _away(scenario)
    scenario.transport.away.clear()
    await scenario.harness.fast_forward(subject, A_LITTLE)
    await scenario.harness.wait_for_operation(id, "done")
    return subject


async def merge_undone(scenario: Scenario) -> Subject:
    """Undone while the owner of people is away."""
    id, subject = await _away(scenario)
    await request_undo(scenario.harness, id)
    await scenario.harness.wait_for_operation(id, "done")
    return subject


async def merge_cancelled(scenario: Scenario) -> Subject:
    """Cancelled while the owner of people is away."""
    id, subject = await _away(scenario)
    await cancel(scenario, id)
    await scenario.harness.wait_for_operation(id, "cancelled")
    return subject


async def merge_incomplete(scenario: Scenario) -> Subject:
    """The owner refuses to retire one of two losers."""
    await create_people(scenario, "a", "b", "c")
    scenario.transport.refused["/b/retirements"] = (422, "no")
    id = await request_merge(scenario.harness, "a", "b", "c")
    await scenario.harness.wait_for_operation(id, "incomplete")
    return merge_subject(scenario.harness, id)


async def merge_redriven(scenario: Scenario) -> Subject:
    """The run that requests the refused loser again."""
    subject = await merge_incomplete(scenario)
    await scenario.harness.wait_for_workflow_end(subject)
    scenario.transport.refused.clear()
    await redrive(scenario, subject.key)
    await scenario.harness.wait_for_operation(subject.key, "done")
    return subject


async def merge_orphaned(scenario: Scenario) -> Subject:
    """The command that retires losers is no longer declared, and then is again."""
    harness, declared = scenario.harness, scenario.harness.catalog
    scenario.transport.refused = {"/retirements": (503, "")}
    async with running_with(scenario, declared):
        await create_people(scenario, "a", "b")
        id = await request_merge(harness, "a", "b")
        await wait_for_reason(scenario, id, "503")
    scenario.transport.refused = {}
    async with running_with(scenario, _without_retirement(declared)):
        await wait_for_reason(scenario, id, "not declared")
    subject = merge_subject(harness, id)
    async with running_with(scenario, declared):
        await harness.wait_for_operation(id, "done")
        await harness.wait_for_workflow_end(subject)
    return subject


def _without_retirement(catalog: Catalog) -> Catalog:
    policy: Any = replace(catalog.contracts.merging["person"], retire=None)
    merging = {**catalog.contracts.merging, "person": policy}
    return Catalog(replace(catalog.contracts, merging=merging), catalog.relationships)


STORIES = (
    merge_done,
    merge_of_unknown,
    merge_refused,
    merge_away,
    merge_undone,
    merge_cancelled,
    merge_incomplete,
    merge_redriven,
    merge_orphaned,
)
OPENING = (merge_refused, merge_orphaned)
