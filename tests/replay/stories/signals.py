"""Runs of RelationshipWorkflow that services signal themselves, and that continue as new."""

from datetime import timedelta
from typing import Any

from messages.workflow_ids import Subject
from tests.replay.stories.relationship import AWAY, CHANNEL, GROUP, create_silent_group, group
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.scenario import Scenario


async def _signalled(harness: Harness, name: str, fact: Any, workflow_id: str = "") -> Any:
    """A service sends the first fact straight to the workflow."""
    return await harness.client.start_workflow(
        "RelationshipWorkflow",
        {"tenant": harness.tenant, "relationship": "group_channel", "parent": "g1"},
        id=workflow_id or f"{harness.tenant}/group_channel/g1",
        task_queue=harness.tenant,
        start_signal=name,
        start_signal_args=[fact],
    )


async def signal_intake(scenario: Scenario) -> Subject:
    """Services send facts straight to the workflow, one of them not a fact."""
    harness = scenario.harness
    harness.channels.silent = True
    handle = await _signalled(harness, "GroupCreated", GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    await handle.signal("GroupRenamed", "nonsense")
    await handle.signal("ChannelCreated", {**CHANNEL, "correlationid": None})
    await harness.wait_for_facts("GroupChannelLinked")
    return group(harness)


async def signalled_first(scenario: Scenario) -> Subject:
    """The child's fact is signalled before its parent's."""
    harness = scenario.harness
    handle = await _signalled(harness, "ChannelCreated", event("ChannelCreated", "c1", name="Rowing"))
    await harness.wait_until_waiting("group_channel", "g1")
    await handle.signal("GroupCreated", GROUP)
    await harness.wait_for_facts("GroupChannelLinked")
    return group(harness)


async def nothing_known(scenario: Scenario) -> Subject:
    """Only nonsense is signalled: nothing is missing and nothing is linked."""
    await _signalled(scenario.harness, "GroupCreated", "nonsense")
    return group(scenario.harness)


async def unknown_relationship(scenario: Scenario) -> Subject:
    """The workflow's id names a relationship that is not declared: the run fails."""
    harness = scenario.harness
    await _signalled(harness, "GroupCreated", GROUP, f"{harness.tenant}/group_chanel/g1")
    return harness.instance("group_chanel", "g1").subject


async def unknown_id(scenario: Scenario) -> Subject:
    """Neither the workflow's id nor its input name an instance: the run fails."""
    harness = scenario.harness
    await harness.client.start_workflow(
        "RelationshipWorkflow", "anything", id=f"{harness.tenant}/group_channel/", task_queue=harness.tenant
    )
    return harness.instance("group_channel", "").subject


async def _storm(scenario: Scenario) -> None:
    harness = scenario.harness
    handle = harness.handle("group_channel", "g1")
    for number in range(2, 40):
        await handle.signal("GroupRenamed", event("GroupRenamed", "g1", number, name=f"n{number}"))
    await harness.wait_for_facts("GroupRenamed", 38)


async def continued(scenario: Scenario) -> Subject:
    """A run that continues as new, since its history has grown long: this is the first."""
    harness = scenario.harness
    await create_silent_group(harness)
    await _storm(scenario)
    await harness.record(CHANNEL)
    await harness.wait_for_facts("GroupChannelLinked")
    return group(harness)


async def continued_last(scenario: Scenario) -> Subject:
    """The same: the last run, which has what the first one carried over."""
    return await continued(scenario)


async def continued_asking(scenario: Scenario) -> Subject:
    """A run that continues as new while its owner is away: the last run, which requests again by the same key."""
    harness = scenario.harness
    harness.channels.answers = [AWAY] * 3
    await harness.record(GROUP)

    async def noted() -> bool:
        wait = await harness.find_wait("group_channel", "g1")
        return wait is not None and "answered 503" in wait["last_error"]

    await eventually(noted)
    await _storm(scenario)
    await harness.skip("group_channel", "g1", timedelta(hours=3))
    harness.channels.answers = []
    await harness.skip("group_channel", "g1", timedelta(hours=3))
    await harness.wait_for_facts("GroupChannelLinked")
    return group(harness)


STORIES = (
    signal_intake,
    signalled_first,
    nothing_known,
    unknown_relationship,
    unknown_id,
    continued,
    continued_last,
    continued_asking,
)
