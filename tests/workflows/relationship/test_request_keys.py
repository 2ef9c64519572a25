"""Older facts that arrive late between two attempts of a request do not make another request of it."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.relationship import RelationshipActivities
from activities.signal_intake import SignalIntake
from config import Limits
from facts.validation import Validator
from gateways.owners import Owners
from messages.relationship import RelationshipInstance
from store.db.pool import Pool
from tests.support.channels import Channels
from tests.support.events import Event, event
from tests.support.tenants import CATALOG, StoreTenant, in_a_database

LIFE = event("GroupCreated", "g", 50, name="rowing")
OLDEST, OLD = event("GroupCreated", "g", 10, name="oldest"), event("GroupCreated", "g", 30, name="older")


def channel(key: str, life: Event) -> list[Event]:
    """The facts of a channel that an earlier life had."""
    return [event("ChannelCreated", key, 1, name=key, requested_by="g", created=life), event("ChannelDeleted", key, 2)]


OLDER: list[list[Event]] = [
    [event("GroupDeleted", "g", 40), *channel("c30", OLD)],
    [event("GroupDeleted", "g", 20), *channel("c10", OLDEST)],
    [OLD],
    [OLDEST],
    [event("GroupRenamed", "g", 45, name="before")],
    [event("GroupRenamed", "g", 60, name="since")],
]
"""Facts of earlier lives, and changes. Those of one list in their order: a channel after the deletion of its group."""


class Requester:
    """Runs the activity that requests a missing channel, against an owner with given answers."""

    def __init__(self, tenant: StoreTenant, channels: Channels, owners: Owners) -> None:
        intake = SignalIntake(tenant.recorder, Validator(CATALOG, Limits()), CATALOG, tenant.pool, mode="closed")
        self._activities = RelationshipActivities(tenant.pool, CATALOG, intake, owners)
        self._instance = RelationshipInstance(tenant=tenant.name, relationship="group_channel", parent="g")
        self.channels = channels

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


@settings(in_a_database, max_examples=20, phases=(Phase.generate,))
@given(st.permutations(range(len(OLDER))), st.lists(st.integers(0, len(OLDER)), min_size=1, max_size=3))
async def test_older_facts_between_attempts_keep_the_key(
    pool: Pool, owner: tuple[Channels, Owners], order: list[int], cuts: list[int]
) -> None:
    channels, owners = owner
    tenant = StoreTenant(pool).other_tenant()
    requester = Requester(tenant, channels, owners)
    channels.requests.clear()
    await tenant.record(LIFE)
    late = [one_event for n in order for one_event in OLDER[n]]
    start = 0
    for cut in [*sorted(cuts), len(OLDER)]:
        channels.answers = [httpx2.Response(503)]
        assert not await requester.attempt()
        end = sum(len(OLDER[n]) for n in order[:cut])
        for one_event in late[start:end]:
            await tenant.record(one_event)
        start = max(start, end)
    assert await requester.attempt()
    assert len(channels.attempts()) == 1
    assert len({request.correlation for request in channels.requests}) == 1
    assert len({request.name for request in channels.requests}) == 1
