"""Runs of RelationshipWorkflow that wait for facts, most of them for the group g1 or the category g1."""

from datetime import timedelta

import httpx2

from facts.correlation import encode
from messages.workflow_ids import Subject
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.scenario import Scenario
from tests.workflows.relationship.test_deadlines import A_DAY, end_grace_period

GROUP = event("GroupCreated", "g1", name="Rowing")
CHANNEL = event("ChannelCreated", "c1", name="Rowing", correlation=encode("group_channel", "g1"))
AWAY = httpx2.Response(503, headers={"retry-after": "7200"})


def group(harness: Harness) -> Subject:
    return harness.instance("group_channel", "g1").subject


def _category(harness: Harness) -> Subject:
    return harness.instance("category_item", "g1").subject


async def _says(scenario: Scenario, part: str) -> None:
    await scenario.wait_for_description(group(scenario.harness), part)


async def create_silent_group(harness: Harness) -> None:
    """A group whose channel is requested, and does not come."""
    harness.channels.silent = True
    await harness.record(GROUP)
    await harness.wait_until_waiting("group_channel", "g1")


async def complete(scenario: Scenario) -> Subject:
    """Requested, created, linked, announced."""
    await scenario.harness.record(GROUP)
    await scenario.harness.wait_for_facts("GroupChannelLinked")
    return group(scenario.harness)


async def parent_late(scenario: Scenario) -> Subject:
    """The channel is created before its group."""
    harness = scenario.harness
    await harness.record(CHANNEL)
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(GROUP)
    await harness.wait_for_facts("GroupChannelLinked")
    return group(harness)


async def overdue(scenario: Scenario) -> Subject:
    """No channel is created before the deadline."""
    harness = scenario.harness
    await create_silent_group(harness)
    await harness.skip("group_channel", "g1", A_DAY)
    await harness.wait_for_facts("RelationshipOverdue")
    return group(harness)


async def late(scenario: Scenario) -> Subject:
    """The run after an overdue one: the channel is created late."""
    harness = scenario.harness
    await overdue(scenario)
    await harness.wait_for_end("group_channel", "g1")
    await harness.record(CHANNEL)
    await harness.wait_for_facts("GroupChannelLinked")
    return group(harness)


async def refused(scenario: Scenario) -> Subject:
    """The owner refuses at once; the group is deleted."""
    harness = scenario.harness
    harness.channels.answers = [httpx2.Response(422, text="no")]
    await harness.record(GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(event("GroupDeleted", "g1", 2))
    return group(harness)


async def refused_later(scenario: Scenario) -> Subject:
    """The owner is away at the first request and refuses the second, which its own task queue makes."""
    harness = scenario.harness
    harness.channels.answers = [httpx2.Response(503), httpx2.Response(422, text="no")]
    await harness.record(GROUP)
    await _says(scenario, "refused with 422")
    await harness.record(event("GroupDeleted", "g1", 2))
    return group(harness)


async def away_then_back(scenario: Scenario) -> Subject:
    """The owner is away three times; its task queue repeats the request."""
    harness = scenario.harness
    harness.channels.answers = [httpx2.Response(503), httpx2.ConnectError("gone"), httpx2.Response(429)]
    await harness.record(GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.skip("group_channel", "g1", timedelta(hours=1))
    await harness.wait_for_facts("GroupChannelLinked")
    return group(harness)


async def away_until_deadline(scenario: Scenario) -> Subject:
    """The owner is away for a day: the repeated request ends with the deadline."""
    harness = scenario.harness
    harness.channels.answers = [AWAY] * 100
    await harness.record(GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.skip("group_channel", "g1", A_DAY)
    await harness.wait_for_facts("RelationshipOverdue")
    return group(harness)


async def recreated(scenario: Scenario) -> Subject:
    """The group is deleted and created again while its channel is waited for: two requests."""
    harness = scenario.harness
    await create_silent_group(harness)
    await harness.record(event("GroupDeleted", "g1", 2))
    await harness.record(event("GroupCreated", "g1", 3, name="Again"))

    async def both() -> bool:
        return len(harness.channels.attempts()) == 2

    await eventually(both)
    await harness.record(CHANNEL)
    await harness.wait_for_facts("GroupChannelLinked")
    return group(harness)


async def explicit_link(scenario: Scenario) -> Subject:
    """Linked explicitly before the channel exists."""
    harness = scenario.harness
    harness.channels.silent = True
    await harness.record(GROUP)
    await harness.link("group_channel", "g1", "c1")
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(event("ChannelCreated", "c1", name="Rowing"))
    await harness.wait_for_facts("GroupChannelLinked")
    return group(harness)


async def explicit_link_expired(scenario: Scenario) -> Subject:
    """An explicit link whose item never comes."""
    harness = scenario.harness
    await harness.record(event("CategoryAdded", "g1", name="Books"))
    id = await harness.link("category_item", "g1", "i1")
    await harness.wait_until_waiting("category_item", "g1")
    await harness.skip("category_item", "g1", A_DAY)
    await harness.wait_for_operation(id, "expired")
    return _category(harness)


async def explicit_link_refused(scenario: Scenario) -> Subject:
    """An explicit link whose category is deleted while its item is waited for."""
    harness = scenario.harness
    await harness.record(event("CategoryAdded", "g1", name="Books"))
    id = await harness.link("category_item", "g1", "i1")
    await harness.wait_until_waiting("category_item", "g1")
    await harness.record(event("CategoryRemoved", "g1", 2))
    await harness.wait_for_operation(id, "refused")
    return _category(harness)


async def unlink(scenario: Scenario) -> Subject:
    """An explicit unlink of an item."""
    harness = scenario.harness
    await harness.record(event("CategoryAdded", "g1", name="Books"), event("ItemAdded", "i1", name="x", category="g1"))
    await harness.wait_for_operation(await harness.link("category_item", None, "i1", "unlink"), "done")
    return _category(harness)


async def missing_category(scenario: Scenario) -> Subject:
    """A placeholder's wait, whose workflow starts after the grace period."""
    harness = scenario.harness
    await harness.record(event("ItemAdded", "i1", name="x", category="g1"))
    await end_grace_period(harness)
    await harness.wait_until_waiting("category_item", "g1")
    await harness.record(event("CategoryAdded", "g1", name="Books"))
    return _category(harness)


async def missing_category_overdue(scenario: Scenario) -> Subject:
    """The same, and the category does not come."""
    harness = scenario.harness
    await harness.record(event("ItemAdded", "i1", name="x", category="g1"))
    await end_grace_period(harness)
    await harness.wait_until_waiting("category_item", "g1")
    await harness.skip("category_item", "g1", A_DAY)
    await harness.wait_for_facts("RelationshipOverdue")
    return _category(harness)


async def chain(scenario: Scenario) -> Subject:
    """A member of a group that has no channel yet: requested once there is one."""
    harness = scenario.harness
    harness.channels.silent = True
    member = event("GroupMemberAdded", "g1/ann", group="g1", user="ann")
    await harness.record({**member, "source": "/groups"})

    async def noted() -> bool:
        wait = await harness.find_wait("membership", "g1/ann")
        return wait is not None and wait["missing_links"] == ["group_channel"]

    await eventually(noted)
    await harness.record(GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(CHANNEL)

    async def requested() -> bool:
        return len(harness.channels.attempts()) == 2

    await eventually(requested)
    await harness.skip("membership", "g1/ann", A_DAY)
    await harness.wait_for_facts("RelationshipOverdue")
    return harness.instance("membership", "g1/ann").subject


STORIES = (
    complete,
    parent_late,
    overdue,
    late,
    refused,
    refused_later,
    away_then_back,
    away_until_deadline,
    recreated,
    explicit_link,
    explicit_link_expired,
    explicit_link_refused,
    unlink,
    missing_category,
    missing_category_overdue,
    chain,
)
