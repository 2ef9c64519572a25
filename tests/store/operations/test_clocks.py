"""Processes whose clocks are wrong: the order of operations, deadlines and stored times follow the database's clock."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog.catalog import Catalog
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.operations import links, moves, operations, overdue, plans, relationship_status
from store.operations.operation_row import OperationRow
from store.operations.plans import PlanRequest
from store.read import waits
from store.read.waits import WaitQuery
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder

OURS = ("api", "store", "activities", "facts", "dispatcher", "starter", "strays")
HALF_A_MINUTE = timedelta(seconds=30)


@pytest.fixture(params=[-HALF_A_MINUTE, HALF_A_MINUTE], ids=["behind", "ahead"])
def wrong(request: pytest.FixtureRequest) -> timedelta:
    """By how much the clock of a process is wrong."""
    difference: timedelta = request.param
    return difference


class Process:
    """A process whose clock is wrong, within ``with``: what its modules read is the true time and a difference."""

    def __init__(self, difference: timedelta) -> None:
        self._difference = difference
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        difference = self._difference

        class Wrong(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return datetime.now(tz) + difference

        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in OURS and getattr(module, "datetime", None) is datetime:
                self._patch.setattr(module, "datetime", Wrong)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


async def move(pool: Pool, catalog: Catalog, to: str) -> OperationRow:
    relationship = catalog.relationship("event_team")
    return await moves.start(pool, TENANT, relationship, child="t", to=to, actor="test", idempotency_key=None)


async def age(pool: Pool) -> timedelta:
    """Returns how old the newest operation is by the database's clock."""
    found: timedelta = await pool.fetchval("select clock_timestamp() - max(created_at) from operations")
    return found


async def test_move_started_later_wins_whatever_the_clocks_of_processes_say(
    pool: Pool, catalog: Catalog, facts: FactRecorder, wrong: timedelta
) -> None:
    for key in ("a", "b", "c"):
        await facts.record(event("EventCreated", key, 1, name=key))
    await facts.record(event("TeamCreated", "t", 1, name="t", event_id="a"))
    with Process(-wrong):
        first = await move(pool, catalog, "b")
    with Process(wrong):
        second = await move(pool, catalog, "c")
    status = await moves.advance(pool, TENANT, catalog.relationship("event_team"), "t")
    assert status.operation is not None
    assert (status.operation.id, status.operation.parent) == (second.id, "c")
    assert (await operations.find(pool, TENANT, first.id)).state == "superseded"


async def test_operations_of_one_time_are_in_the_order_of_their_positions(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(event("TeamCreated", "t", 1, name="t", event_id="a"))
    started = [await move(pool, catalog, f"e{n}") for n in range(5)]
    await pool.execute("update operations set created_at = '2026-01-01T00:00:00Z'")  # the database's clock was set back
    async with pool.acquire() as conn:
        rows = await operations.open_operations(conn, TENANT, "move", "event_team", "t")
    assert [row.id for row in rows] == [row.id for row in started]


async def test_operation_is_created_and_expires_by_the_databases_clock(
    pool: Pool, catalog: Catalog, facts: FactRecorder, wrong: timedelta
) -> None:
    relationship = catalog.relationship("event_team")
    await facts.record(event("TeamCreated", "t", 1, name="t", event_id="a"))
    with Process(wrong):
        row = await move(pool, catalog, "nowhere")
        assert timedelta(0) < await age(pool) < HALF_A_MINUTE / 2
        assert row.due == row.created_at + relationship.on_missing.deadline
        for left, state in (("15 seconds", "waiting"), ("-1 seconds", "expired")):
            await pool.execute("update operations set due = clock_timestamp() + $1::text::interval", left)
            await moves.advance(pool, TENANT, relationship, "t")
            ended = await operations.find(pool, TENANT, row.id)
            assert ended.state == state
        assert ended.ended_at is not None
        assert ended.ended_at > row.created_at


async def test_wait_begins_and_is_overdue_by_the_databases_clock(
    pool: Pool, catalog: Catalog, facts: FactRecorder, wrong: timedelta
) -> None:
    relationship = catalog.relationship("category_item")
    with Process(wrong):
        await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))
        select = "select clock_timestamp() - waiting_since as age, due - waiting_since as lasts from waits"
        (waited,) = await pool.fetch(select)
        assert timedelta(0) < waited["age"] < HALF_A_MINUTE / 2
        assert waited["lasts"] == relationship.on_missing.deadline
        assert await pool.fetchval("select clock_timestamp() - max(received) from facts") < HALF_A_MINUTE / 2
        for left, passed in (("15 seconds", False), ("-1 seconds", True)):
            await pool.execute("update waits set due = clock_timestamp() + $1::text::interval", left)
            status = await relationship_status.look(pool, TENANT, relationship, "c")
            assert status.now is not None
            assert status.due is not None
            assert (status.due <= status.now) is passed
            async with snapshot(pool, TENANT) as at:
                found, _ = await waits.page(at, WaitQuery(overdue=True), None, 10, at.now)
            assert bool(found) is passed
            assert await overdue.notify(pool, catalog, TENANT, relationship, "c") is passed


async def test_explicit_link_expires_by_the_databases_clock(
    pool: Pool, catalog: Catalog, facts: FactRecorder, wrong: timedelta
) -> None:
    relationship = catalog.relationship("category_item")
    await facts.record(event("ItemAdded", "i", 1, name="x"))
    with Process(wrong):
        row = await links.start(
            pool, TENANT, relationship, kind="link", parent="c", child="i", actor="test", idempotency_key=None
        )
        for left, state in (("15 seconds", "waiting"), ("-1 seconds", "expired")):
            await pool.execute("update operations set due = clock_timestamp() + $1::text::interval", left)
            await links.finish_ready(pool, catalog, TENANT, relationship, "c")
            assert (await operations.find(pool, TENANT, row.id)).state == state


async def test_plan_is_dated_by_the_databases_clock(
    pool: Pool, catalog: Catalog, facts: FactRecorder, wrong: timedelta
) -> None:
    await facts.record(event("EventCreated", "e", 1, name="e"))
    with Process(wrong):
        plan = await plans.create(pool, catalog, TENANT, PlanRequest("delete", entity_kind="event", key="e"), "test")
    assert abs(datetime.now(UTC) - plan.created) < HALF_A_MINUTE / 2


def test_process_of_these_tests_reads_a_wrong_clock() -> None:
    with Process(HALF_A_MINUTE):
        read: Any = vars(plans)["datetime"]
        assert read.now(UTC) > datetime.now(UTC) + HALF_A_MINUTE / 2
