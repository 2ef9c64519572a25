"""Open workflows of which no row says what they wait for, as after a restore of the database to an earlier state."""

import asyncio
from collections.abc import Callable

import pytest

import dispatcher
from messages.workflow_ids import Subject
from store.db.pool import Pool
from strays import LOOK, REASON, StrayWorkflows
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.scenario import Scenario
from worker import Workers

pytestmark = pytest.mark.stack


def strays(harness: Harness) -> StrayWorkflows:
    """Makes a pass at each round, and waits for nothing between them."""
    return StrayWorkflows(harness.pool, harness.starter, settle=0.0, stay=0.0, pause=0.0)


async def restore(pool: Pool, tenant: str) -> None:
    """Leaves the tables as an earlier state has them, in which nothing of this tenant waited."""
    for table in ("outbox", "waits", "operations"):
        await pool.execute(f"delete from {table} where tenant = $1", tenant)  # noqa: S608  # constants


async def counted(pool: Pool) -> dict[str, int]:
    rows = await pool.fetch("select action, workflows from stray_workflows")
    return {row["action"]: row["workflows"] for row in rows}


async def signals(harness: Harness, subject: Subject) -> list[str]:
    """Returns the names of the signals that a workflow has received."""
    history = await harness.workflow(subject).fetch_history()
    received = [e for e in history.events if e.HasField("workflow_execution_signaled_event_attributes")]
    return [e.workflow_execution_signaled_event_attributes.signal_name for e in received]


async def wait_for_category(harness: Harness, key: str) -> None:
    """Records an item of an unknown category; returns once a workflow waits for the category."""
    await harness.record(event("ItemAdded", f"item of {key}"[:50], name="x", category=key))
    await harness.pool.execute("update waits set workflow_after = now() where tenant = $1", harness.tenant)
    await harness.wait_until_waiting("category_item", key)


async def closed(harness: Harness, category: str) -> bool:
    return not await harness.is_open("category_item", category)


async def until(sweeper: StrayWorkflows, condition: Callable[[], object]) -> None:
    """Makes rounds until a condition holds: Temporal's list of workflows follows with a delay."""

    async def round() -> object:
        await sweeper.round()
        found = condition()
        return await found if asyncio.iscoroutine(found) else found

    await eventually(round)


@pytest.mark.parametrize("key", ["books", "b" * 250], ids=["key in the id", "hash in the id"])
async def test_workflow_without_rows_is_signalled_to_look_and_ends(running_harness: Harness, key: str) -> None:
    harness = running_harness
    await wait_for_category(harness, key)
    await restore(harness.pool, harness.tenant)
    await until(strays(harness), lambda: closed(harness, key))
    assert LOOK in await signals(harness, harness.instance("category_item", key).subject)
    assert await counted(harness.pool) == {"signalled": 1, "terminated": 0}


async def test_dispatcher_ends_strays_beside_its_dispatch(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "STRAYS_EVERY", 0.01)
    monkeypatch.setattr(dispatcher, "StrayWorkflows", lambda *_: strays(harness))
    harness.dispatcher = dispatcher.Dispatcher(harness.pool, harness.starter, check_after=3600)
    async with harness.running():
        await wait_for_category(harness, "books")
        await restore(harness.pool, harness.tenant)
        await harness.wait_for_end("category_item", "books")
    assert (await counted(harness.pool))["signalled"] == 1


async def test_workflow_with_a_row_is_left_alone(running_harness: Harness) -> None:
    harness = running_harness
    for key in ("books", "maps"):
        await wait_for_category(harness, key)
    await harness.pool.execute("delete from waits where parent = 'maps'")
    await until(strays(harness), lambda: closed(harness, "maps"))
    assert await harness.is_open("category_item", "books")
    assert LOOK not in await signals(harness, harness.instance("category_item", "books").subject)


async def test_workflow_whose_row_appears_before_the_second_look_is_left_alone(running_harness: Harness) -> None:
    harness = running_harness
    await wait_for_category(harness, "books")
    await harness.pool.execute("update waits set tenant = 'hidden'")
    sweeper = strays(harness)
    await until(sweeper, lambda: sweeper.suspects)
    await harness.pool.execute("update waits set tenant = $1", harness.tenant)
    await sweeper.round()
    assert sweeper.suspects == 0
    assert LOOK not in await signals(harness, harness.instance("category_item", "books").subject)
    assert await counted(harness.pool) == {}


async def test_workflow_that_has_looked_and_stays_is_terminated(scenario: Scenario) -> None:
    """Its activity waits for a worker of its owner, of which there is none."""
    harness, subject = scenario.harness, scenario.cascade_subject("a")
    await harness.record(event("EventCreated", "a", name="a"), event("TeamCreated", "t", name="t", event_id="a"))
    await harness.record(event("EventDeleted", "a", 2))
    without_owners = Workers(harness.worker()._workers[:1])  # the others serve the queues of owners
    async with harness.dispatching(), without_owners:
        await eventually(lambda: scheduled(harness, subject))
        await restore(harness.pool, harness.tenant)
        sweeper = strays(harness)

        async def over() -> bool:
            return not await harness.starter.runs(subject)

        await until(sweeper, over)
    history = await harness.workflow(subject).fetch_history()
    assert history.events[-1].workflow_execution_terminated_event_attributes.reason == REASON
    assert await counted(harness.pool) == {"signalled": 1, "terminated": 1}


async def test_workflow_that_no_worker_serves_is_not_terminated(harness: Harness) -> None:
    """It may hold facts that services have signalled, which no row has yet."""
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.dispatcher.round()
    await restore(harness.pool, harness.tenant)
    sweeper = strays(harness)

    async def signalled() -> bool:
        return LOOK in await signals(harness, harness.instance("group_channel", "g1").subject)

    await until(sweeper, signalled)
    for _ in range(3):
        await sweeper.round()
    assert await harness.is_open("group_channel", "g1")
    assert await counted(harness.pool) == {"signalled": 1, "terminated": 0}


async def scheduled(harness: Harness, subject: Subject) -> bool:
    """Whether a workflow waits for an activity."""
    if not await harness.starter.runs(subject):
        return False
    description = await harness.workflow(subject).describe()
    return bool(description.raw_description.pending_activities)
