"""What was requested for a parent is remembered until its fact arrives, whatever other facts arrive before."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx2
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.relationship import RelationshipActivities
from activities.signal_intake import SignalIntake
from activities.support import owner_requests
from config import Limits
from facts.validation import Validator
from gateways.owners import Owners
from messages.relationship import RelationshipInstance
from store.db.pool import Pool
from store.operations import relationship_status
from tests.support.channels import Channels
from tests.support.events import Event, event
from tests.support.sampling import examples
from tests.support.tenants import CATALOG, StoreTenant, in_a_database

LIFE = event("GroupCreated", "g", 50, name="rowing")
OLDEST, OLD = event("GroupCreated", "g", 10, name="oldest"), event("GroupCreated", "g", 30, name="older")


def channel(key: str, life: Event) -> list[Event]:
    """The facts of a channel that an earlier life had."""
    return [event("ChannelCreated", key, 1, name=key, requested_by="g", created=life), event("ChannelDeleted", key, 2)]


OLDER: list[list[Event]] = [
    [event("GroupDeleted", "g", 40)],
    channel("c30", OLD),
    [event("GroupDeleted", "g", 20)],
    channel("c10", OLDEST),
    [OLD],
    [OLDEST],
    [event("GroupRenamed", "g", 45, name="before")],
    [event("GroupRenamed", "g", 60, name="since")],
]
"""Facts of earlier lives, and changes. A channel of an earlier life may come and go before the deletion arrives that
shows that it is one; until then it counts as the channel of the group."""


class Requester:
    """Runs the activity that requests a missing channel, against an owner with given answers."""

    def __init__(self, tenant: StoreTenant, channels: Channels, owners: Owners) -> None:
        intake = SignalIntake(tenant.recorder, Validator(CATALOG, Limits()), CATALOG, tenant.pool, mode="closed")
        self._activities = RelationshipActivities(tenant.pool, CATALOG, intake, owners)
        self._instance = RelationshipInstance(tenant=tenant.name, relationship="group_channel", parent="g")
        self.channels = channels
        self.tenant = tenant

    async def attempt(self) -> bool:
        """Returns whether the owner accepted the request."""
        try:
            await ActivityEnvironment().run(self._activities.request_child, self._instance)
        except ApplicationError:
            return False
        return True


@pytest.fixture
async def owner() -> AsyncIterator[tuple[Channels, Owners]]:
    channels = Channels()
    async with Owners({"channels": "http://channels"}, transport=channels.transport) as owners:
        yield channels, owners


async def requester_for_the_group(pool: Pool, owner: tuple[Channels, Owners]) -> Requester:
    """A requester of a tenant of its own that knows the group, whose owner has received nothing yet."""
    channels, owners = owner
    tenant = StoreTenant(pool).other_tenant()
    channels.requests.clear()
    await tenant.record(LIFE)
    return Requester(tenant, channels, owners)


@settings(in_a_database, max_examples=examples(7), phases=(Phase.generate,))
@given(st.permutations(range(len(OLDER))), st.lists(st.integers(0, len(OLDER)), min_size=1, max_size=3))
async def test_older_facts_between_attempts_keep_the_key(
    pool: Pool, owner: tuple[Channels, Owners], order: list[int], cuts: list[int]
) -> None:
    requester = await requester_for_the_group(pool, owner)
    channels = requester.channels
    late = [one_event for n in order for one_event in OLDER[n]]
    start = 0
    for cut in [*sorted(cuts), len(OLDER)]:
        channels.answers = [httpx2.Response(503)]
        await requester.attempt()  # sends nothing while a channel seems to be there
        end = sum(len(OLDER[n]) for n in order[:cut])
        for one_event in late[start:end]:
            await requester.tenant.record(one_event)
        start = max(start, end)
    channels.answers = []
    assert await requester.attempt()
    assert len(channels.attempts()) == 1
    assert len({request.correlation for request in channels.requests}) == 1
    assert len({request.name for request in channels.requests}) == 1


@pytest.mark.parametrize("batches", [[[0, 1]], [[0], [1]], [[1], [0]], [[1, 0]]])
async def test_requested_channel_that_is_gone_when_it_comes_is_requested_again(
    pool: Pool, owner: tuple[Channels, Owners], batches: list[list[int]]
) -> None:
    requester = await requester_for_the_group(pool, owner)
    tenant, channels = requester.tenant, requester.channels
    for number in (1, 3, 5):
        assert await requester.attempt()
        correlation = channels.requests[-1].correlation
        facts = [
            event("ChannelCreated", "c", number, name="c", correlation=correlation),
            event("ChannelDeleted", "c", number + 1),
        ]
        await pool.execute("delete from outbox where tenant = $1", tenant.name)
        waited_since = await began(tenant)
        for batch in batches:
            await tenant.record(*(facts[n] for n in batch))
        assert await began(tenant) > waited_since
        notified = await pool.fetch("select about, key from outbox where tenant = $1", tenant.name)
        assert ("group_channel", "g") in {tuple(row) for row in notified}
    assert await requester.attempt()
    assert list(channels.attempts().values()) == [1, 1, 1, 1]


async def test_channel_of_another_request_that_comes_and_goes_keeps_the_key(
    pool: Pool, owner: tuple[Channels, Owners]
) -> None:
    requester = await requester_for_the_group(pool, owner)
    tenant, channels = requester.tenant, requester.channels
    assert await requester.attempt()
    await tenant.record(*channel("c30", OLD))
    for one_event in channel("c10", OLDEST):
        await tenant.record(one_event)
    assert await requester.attempt()
    assert list(channels.attempts().values()) == [2]
    await tenant.record(event("ChannelCreated", "c", 1, name="c", correlation=channels.requests[-1].correlation))
    await tenant.record(event("ChannelDeleted", "c", 2))
    assert await requester.attempt()
    assert list(channels.attempts().values()) == [2, 1]


async def test_request_after_one_that_was_gone_leaves_after_a_look_too(
    pool: Pool, owner: tuple[Channels, Owners], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_requests, "FRESH", 0.0)  # as if each request had waited for its slot
    requester = await requester_for_the_group(pool, owner)
    tenant, channels = requester.tenant, requester.channels
    assert await requester.attempt()
    correlation = channels.requests[-1].correlation
    created = event("ChannelCreated", "c", 1, name="c", correlation=correlation)
    await tenant.record(created, event("ChannelDeleted", "c", 2))
    assert await requester.attempt()
    assert list(channels.attempts().values()) == [1, 1]


async def test_delayed_attempt_does_not_remember_a_request_that_is_answered(
    pool: Pool, owner: tuple[Channels, Owners], monkeypatch: pytest.MonkeyPatch
) -> None:
    requester = await requester_for_the_group(pool, owner)
    tenant, channels = requester.tenant, requester.channels
    remember = relationship_status.remember_request

    async def remember_late(*arguments: Any) -> bool:
        """What a paused process stores after another one has sent the request, and its fact has arrived."""
        monkeypatch.setattr(relationship_status, "remember_request", remember)
        assert await requester.attempt()
        await tenant.record(event("ChannelCreated", "c", 1, name="c", correlation=channels.requests[-1].correlation))
        return await remember(*arguments)

    monkeypatch.setattr(relationship_status, "remember_request", remember_late)
    assert await requester.attempt()
    assert list(channels.attempts().values()) == [1]
    await tenant.record(event("ChannelDeleted", "c", 2))
    assert await requester.attempt()
    assert list(channels.attempts().values()) == [1, 1]


LEAVING: list[tuple[list[Event], int]] = [
    (channel("c30", OLD), 1),
    ([event("GroupRenamed", "g", 60, name="since")], 1),
    ([event("GroupCreated", "g", 30, name="older"), event("GroupDeleted", "g", 20)], 1),
    (channel("c30", OLD)[:1], 0),
    ([event("GroupDeleted", "g", 60)], 0),
    ([event("GroupDeleted", "g", 60), event("GroupCreated", "g", 70, name="next")], 0),
]
"""Facts that arrive while a request waits for its slot, and how many requests leave then."""


@pytest.mark.parametrize(("late", "leave"), LEAVING)
async def test_request_leaves_if_the_same_would_be_requested_now(
    pool: Pool,
    owner: tuple[Channels, Owners],
    monkeypatch: pytest.MonkeyPatch,
    late: list[Event],
    leave: int,
) -> None:
    monkeypatch.setattr(owner_requests, "FRESH", 0.0)
    requester = await requester_for_the_group(pool, owner)
    channels, owners = owner
    send = owners.send

    async def send_later(*arguments: Any, **options: Any) -> None:
        for one_event in late:
            await requester.tenant.record(one_event)
        await send(*arguments, **options)

    monkeypatch.setattr(owners, "send", send_later)
    assert await requester.attempt()
    assert len(channels.requests) == leave


async def test_channel_of_no_request_that_is_gone_when_it_comes_changes_nothing(
    pool: Pool, owner: tuple[Channels, Owners]
) -> None:
    requester = await requester_for_the_group(pool, owner)
    tenant = requester.tenant
    assert await requester.attempt()
    gone = channel("c10", OLDEST)
    revision = (await tenant.record(gone[1])).revision
    await pool.execute("delete from outbox where tenant = $1", tenant.name)
    waited_since = await began(tenant)
    assert (await tenant.record(gone[0])).revision == revision
    assert await began(tenant) == waited_since
    assert await pool.fetch("select about, key from outbox where tenant = $1", tenant.name) == []


async def began(tenant: StoreTenant) -> datetime:
    """Since when the group is waiting for a channel."""
    since: datetime = await tenant.pool.fetchval("select waiting_since from waits where tenant = $1", tenant.name)
    return since
