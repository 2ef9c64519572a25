"""What happens when what is waited for does not come, or comes late. The workflow's clock is put forward."""

from datetime import timedelta

import httpx2
import pytest

from dispatcher import GRACE_ENDED, Dispatcher
from facts.correlation import encode
from gateways.answers import ATTEMPTS, LONGEST_PAUSE
from store.operations import overdue
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness, bring_deadlines_forward

pytestmark = pytest.mark.stack

A_DAY = timedelta(hours=24, seconds=1)
OVERDUE, LINKED = "RelationshipOverdue", "GroupChannelLinked"


async def end_grace_period(harness: Harness) -> None:
    """Ends the grace period of all waits."""
    await harness.pool.execute("update waits set workflow_after = now() where tenant = $1", harness.tenant)


async def create_waiting_group(harness: Harness, group: str = "g1") -> None:
    """Creates a group whose channel does not come; returns once its workflow waits."""
    harness.channels.silent = True
    await harness.record(event("GroupCreated", group, name=group))
    await harness.wait_until_waiting("group_channel", group)


async def test_deadline_publishes_overdue_once_and_ends_the_workflow(running_harness: Harness) -> None:
    harness = running_harness
    await create_waiting_group(harness)
    wait = await harness.find_wait("group_channel", "g1")
    assert wait["due"] - wait["waiting_since"] == timedelta(hours=24)
    await harness.skip("group_channel", "g1", A_DAY)
    (fact,) = await harness.wait_for_facts(OVERDUE)
    assert (await harness.result("group_channel", "g1"))["state"] == "overdue"
    assert fact["data"]["owner"] == "channels"
    assert fact["data"]["missing"] == "child"
    wait = await harness.find_wait("group_channel", "g1")
    assert wait["overdue_notified_at"] is not None
    assert await harness.count_rows("outbox") == 0
    assert len(await harness.facts(OVERDUE)) == 1


async def test_nothing_is_overdue_before_the_deadline(running_harness: Harness) -> None:
    harness = running_harness
    await create_waiting_group(harness)
    await harness.skip("group_channel", "g1", timedelta(hours=23))
    assert await harness.is_open("group_channel", "g1")
    assert not await harness.facts(OVERDUE)


async def test_late_fact_completes_the_link_and_announces_it(running_harness: Harness) -> None:
    harness = running_harness
    await create_waiting_group(harness)
    await harness.skip("group_channel", "g1", A_DAY)
    await harness.wait_for_facts(OVERDUE)
    await harness.wait_for_end("group_channel", "g1")
    await harness.record(event("ChannelCreated", "c1", correlation=encode("group_channel", "g1"), name="late"))
    await harness.wait_for_facts(LINKED)
    await harness.wait_until_at_rest()
    await harness.wait_for_end("group_channel", "g1")
    assert (await harness.result("group_channel", "g1"))["state"] == "complete"
    assert len(await harness.facts(OVERDUE)) == 1


async def test_refusal_is_shown_and_the_deadline_stays(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.answers = [httpx2.Response(422, text="no more channels")]
    await harness.record(event("GroupCreated", "g1", name="g1"))

    async def noted() -> str:
        wait = await harness.find_wait("group_channel", "g1")
        return wait["last_error"] if wait is not None else ""

    assert await eventually(noted) == "CreateChannel at channels refused with 422: no more channels"

    async def shown() -> bool:
        progress = await harness.handle("group_channel", "g1").query("progress")
        return "no more channels" in progress["description"]

    await eventually(shown)
    assert await harness.is_open("group_channel", "g1")
    await harness.skip("group_channel", "g1", A_DAY)
    await harness.wait_for_facts(OVERDUE)
    await harness.wait_for_end("group_channel", "g1")
    assert len(harness.channels.requests) == 1


@pytest.mark.parametrize("status", [404, 409, 410, 412])
async def test_contradicted_request_is_repeated_and_then_refused(running_harness: Harness, status: int) -> None:
    harness = running_harness
    problem = {"content-type": "application/problem+json"}
    answer = httpx2.Response(status, headers=problem, json={"detail": "the name is taken"})
    harness.channels.answers = [answer] * (ATTEMPTS + 5)
    await harness.record(event("GroupCreated", "g1", name="g1"))
    for n in range(1, ATTEMPTS):

        async def contradicted(n: int = n) -> bool:
            wait = await harness.find_wait("group_channel", "g1")
            return wait is not None and wait["contradictions"] >= n

        await eventually(contradicted)
        await harness.skip("group_channel", "g1", timedelta(seconds=LONGEST_PAUSE))
    expected = f"CreateChannel at channels refused with {status}: the name is taken"

    async def refused() -> bool:
        progress = await harness.handle("group_channel", "g1").query("progress")
        return len(harness.channels.requests) == ATTEMPTS and expected in progress["description"]

    await eventually(refused)
    assert (await harness.find_wait("group_channel", "g1"))["last_error"] == expected
    assert list(harness.channels.attempts().values()) == [ATTEMPTS]
    await harness.skip("group_channel", "g1", A_DAY)
    await harness.wait_for_facts(OVERDUE)
    assert len(harness.channels.requests) == ATTEMPTS


async def test_contradiction_that_passes_does_not_refuse_a_request(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.answers = [httpx2.Response(409), httpx2.Response(404)]
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_for_facts(LINKED)
    assert list(harness.channels.attempts().values()) == [3]
    await harness.wait_until_at_rest()


async def test_request_to_unavailable_owner_is_repeated_with_the_same_key(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.answers = [httpx2.Response(503), httpx2.ConnectError("gone"), httpx2.Response(429)]
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.skip("group_channel", "g1", timedelta(hours=1))
    await harness.wait_for_facts(LINKED)
    assert list(harness.channels.attempts().values()) == [4]
    await harness.wait_until_at_rest()


async def test_owner_unavailable_for_a_day_is_overdue(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.answers = [httpx2.Response(503, headers={"retry-after": "7200"}) for _ in range(100)]
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.skip("group_channel", "g1", A_DAY)
    await harness.wait_for_facts(OVERDUE)
    await harness.wait_for_end("group_channel", "g1")
    assert "answered 503" in (await harness.find_wait("group_channel", "g1"))["last_error"]
    assert len(set(harness.channels.attempts())) == 1


async def test_missing_parent_has_a_workflow_only_after_the_grace_period(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(*[event("ItemAdded", f"i{n}", name="x", category="books") for n in range(50)])
    wait = await harness.find_wait("category_item", "books")
    assert (wait["missing"], wait["owner"], wait["workflow_started_at"]) == ("parent", "categories", None)
    assert await harness.dispatcher.round() is False
    assert not await harness.is_open("category_item", "books")
    await end_grace_period(harness)
    await harness.wait_until_waiting("category_item", "books")
    await harness.record(event("ItemAdded", "late", name="x", category="books"))
    assert await harness.count_rows("waits") == 1
    assert await harness.count_rows("outbox") == 0
    history = await harness.handle("category_item", "books").fetch_history()
    signals = [e for e in history.events if e.HasField("workflow_execution_signaled_event_attributes")]
    assert [s.workflow_execution_signaled_event_attributes.signal_name for s in signals] == [GRACE_ENDED]


async def test_arriving_parent_completes_its_workflow(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(event("ItemAdded", "i1", name="x", category="books"))
    await end_grace_period(harness)
    await harness.wait_until_waiting("category_item", "books")
    await harness.record(event("CategoryAdded", "books", name="Books"))
    assert (await harness.result("category_item", "books"))["state"] == "complete"
    await harness.wait_until_at_rest()


async def test_parent_arriving_within_grace_period_starts_no_workflow(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(event("ItemAdded", "i1", name="x", category="books"))
    await harness.record(event("CategoryAdded", "books", name="Books"))
    assert await harness.count_rows("waits") == await harness.count_rows("outbox") == 0
    assert not await harness.is_open("category_item", "books")


async def test_child_created_after_the_deadline_waits_again(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(event("ItemAdded", "i1", name="x", category="books"))
    await end_grace_period(harness)
    await harness.wait_until_waiting("category_item", "books")
    await harness.skip("category_item", "books", A_DAY)
    await harness.wait_for_facts(OVERDUE)
    await harness.wait_for_end("category_item", "books")
    first = await harness.find_wait("category_item", "books")
    await harness.record(event("ItemAdded", "i2", name="y", category="books"))
    wait = await harness.find_wait("category_item", "books")
    assert (wait["overdue_notified_at"], wait["workflow_started_at"]) == (None, None)
    assert wait["due"] > first["due"]
    await end_grace_period(harness)
    await harness.wait_until_waiting("category_item", "books")
    await harness.skip("category_item", "books", A_DAY)
    await harness.wait_for_facts(OVERDUE, 2)
    await harness.wait_for_end("category_item", "books")


async def test_parent_arriving_after_the_deadline_completes_the_wait(running_harness: Harness) -> None:
    harness = running_harness
    await harness.record(event("ItemAdded", "i1", name="x", category="books"))
    await end_grace_period(harness)
    await harness.wait_until_waiting("category_item", "books")
    await harness.skip("category_item", "books", A_DAY)
    await harness.wait_for_facts(OVERDUE)
    await harness.wait_for_end("category_item", "books")
    await harness.record(event("CategoryAdded", "books", name="Books"))
    await harness.wait_until_at_rest()
    await harness.wait_for_end("category_item", "books")
    assert (await harness.result("category_item", "books"))["state"] == "complete"


async def test_wait_is_overdue_once_and_not_before_it_is_due(harness: Harness) -> None:
    relationship = harness.relationship("group_channel")
    await harness.record(event("GroupCreated", "g1", name="g1"))
    for left, expected in (("1 hour", False), ("0 seconds", True), ("0 seconds", False)):
        await harness.pool.execute(
            "update waits set due = clock_timestamp() + $2::text::interval where tenant = $1", harness.tenant, left
        )
        published = await overdue.notify(harness.pool, harness.catalog, harness.tenant, relationship, "g1")
        assert published is expected


async def test_workflow_whose_timer_is_late_is_signalled_after_the_deadline(running_harness: Harness) -> None:
    """Deadlines are in the database's time, and Temporal's clock may be behind it."""
    harness = running_harness
    await create_waiting_group(harness)
    await bring_deadlines_forward(harness.pool, harness.tenant, A_DAY)
    await Dispatcher(harness.pool, harness.starter, check_after=0.0).check()
    await harness.wait_for_facts(OVERDUE)
    await harness.wait_for_end("group_channel", "g1")


async def test_workflow_whose_timer_is_early_sleeps_for_what_is_left(running_harness: Harness) -> None:
    harness = running_harness
    await create_waiting_group(harness)
    await harness.skip("group_channel", "g1", timedelta(hours=23))
    await harness.pool.execute("update waits set due = due + interval '1 day' where tenant = $1", harness.tenant)
    await harness.skip("group_channel", "g1", timedelta(hours=2))  # its timer fires; the deadline is in 23 hours

    async def timers() -> bool:
        history = await harness.handle("group_channel", "g1").fetch_history()
        return sum(e.HasField("timer_started_event_attributes") for e in history.events) == 2

    await eventually(timers)
    assert not await harness.facts(OVERDUE)
    await harness.skip("group_channel", "g1", timedelta(hours=23))
    await harness.wait_for_facts(OVERDUE)
    await harness.wait_for_end("group_channel", "g1")
