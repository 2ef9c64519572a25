"""Whether the requests of a cascade are still to be sent is decided shortly before each leaves, not once for all."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from messages.child_reasons import describe_child
from store.operations import listings, operations
from store.operations.listings import OperationQuery
from tests.support.events import event
from tests.support.eventually import eventually, eventually_true
from tests.support.harness import Harness
from tests.support.slow_owner import SlowTeams

pytestmark = pytest.mark.stack

TEAMS = [f"t{n:03}" for n in range(200)]


@pytest.fixture
async def slow(harness: Harness) -> AsyncIterator[SlowTeams]:
    """An owner of 200 teams in the event a that takes 1.5 seconds for each request; the event is deleted."""
    slow = SlowTeams(harness, seconds=1.5)
    async with slow.running(), harness.running():
        await harness.record(
            event("EventCreated", "a", 1, name="a"), *(event("TeamCreated", t, 1, name=t, event_id="a") for t in TEAMS)
        )
        await harness.record(event("EventDeleted", "a", 2))
        await eventually_true(lambda: len(slow.received) > 20)  # more than its slots: requests wait for a free one
        yield slow


async def ended(harness: Harness) -> Any:
    """Waits until the cascade has ended; returns its row."""

    async def there() -> Any:
        rows, _ = await listings.operations_page(harness.pool, harness.tenant, OperationQuery("cascade"), None, 10)
        return rows[0] if rows and rows[0].ended_at is not None else None

    return await eventually(there)


async def test_no_request_leaves_a_second_after_the_parent_was_created_again(harness: Harness, slow: SlowTeams) -> None:
    await harness.record(event("EventCreated", "a", 3, name="again"))
    recorded = time.monotonic()
    row = await ended(harness)
    assert max(slow.received.values()) - recorded <= 1.0
    received = len(slow.received)
    assert (row.state, row.ended_because) == ("done", "recreated_during_cascade")
    assert (row.requested, row.confirmed, row.skipped, row.parked) == (received, received, 200 - received, 0)
    assert set(await harness.links("event_team")) == set(TEAMS) - slow.received.keys()
    skipped, _ = await listings.children_page(harness.pool, harness.tenant, row.id, "skipped", None, 200)
    assert {child.child for child in skipped} == set(TEAMS) - slow.received.keys()
    assert {describe_child(child) for child in skipped} == {"its parent was created again before it was requested"}


async def test_no_request_leaves_a_second_after_the_cascade_was_cancelled(harness: Harness, slow: SlowTeams) -> None:
    (row,), _ = await listings.operations_page(harness.pool, harness.tenant, OperationQuery("cascade"), None, 10)
    await operations.cancel(harness.pool, harness.tenant, row.id)
    cancelled = time.monotonic()
    row = await ended(harness)
    assert max(slow.received.values()) - cancelled <= 1.0
    assert (row.state, row.requested) == ("cancelled", len(slow.received))


async def test_no_request_leaves_a_second_after_its_child_was_moved(harness: Harness, slow: SlowTeams) -> None:
    waiting = TEAMS[60:]
    await harness.record(
        event("EventCreated", "b", 1, name="b"), *(event("TeamMoved", team, 2, event_id="b") for team in waiting)
    )
    assert not set(waiting) & slow.received.keys()
    row = await ended(harness)
    assert (row.state, row.requested, row.confirmed, row.skipped) == ("done", 60, 60, 140)
    assert not set(waiting) & slow.received.keys()
