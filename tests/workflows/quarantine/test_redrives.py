"""The workflow of redrives and discards: started by their rows, one of a tenant after the other, whatever is lost."""

from typing import Any

import pytest

from config import QuarantineLimits
from messages.quarantine_runs import quarantine_run_id
from store.db.pool import connection
from store.quarantine import runs
from store.quarantine.listings import EventFilter
from store.quarantine.runs import Action, QuarantineRun
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.quarantined import keep
from tests.support.redriving import unknown

pytestmark = pytest.mark.stack

GROUPS = [event("CategoryAdded", f"c{n}", 1, name=f"c{n}") for n in range(6)]


async def request(harness: Harness, action: Action = "redrive", type: str | None = None) -> QuarantineRun:
    async with connection(harness.pool) as conn:
        plan = await runs.plan(conn, harness.tenant, action, EventFilter(type), None)
    return await runs.request(harness.pool, harness.tenant, plan, actor="test", idempotency_key=None)


async def wait_for(harness: Harness, run: QuarantineRun, **wanted: Any) -> QuarantineRun:
    """Waits until a row has these values; returns it."""

    async def has() -> Any:
        async with connection(harness.pool) as conn:
            row = await runs.find(conn, harness.tenant, run.action, run.id)
        return row if all(getattr(row, name) == value for name, value in wanted.items()) else None

    found: QuarantineRun = await eventually(has)
    return found


async def test_requested_redrive_is_carried_out_by_a_workflow_of_its_own(harness: Harness) -> None:
    await keep(harness.pool, harness.tenant, *map(unknown, GROUPS))
    run = await request(harness)
    async with harness.running():
        done = await wait_for(harness, run, state="done")
        assert (done.accepted, done.total) == (6, 6)
        result = await harness.client.get_workflow_handle(quarantine_run_id(harness.tenant, run.id)).result()
    assert result == {"events": 6, "more": False}


async def test_redrive_goes_on_when_its_workflow_is_lost(harness: Harness) -> None:
    harness.quarantine = QuarantineLimits(rate=2)  # so that it is under way when its workflow ends
    await keep(harness.pool, harness.tenant, *map(unknown, GROUPS))
    run = await request(harness)
    async with harness.running():
        handle = harness.client.get_workflow_handle(quarantine_run_id(harness.tenant, run.id))
        await wait_for(harness, run, accepted=2)
        await handle.terminate("lost")
        await harness.pool.execute("update quarantine_runs set next_run = clock_timestamp() where state = 'running'")
        done = await wait_for(harness, run, state="done")
    assert (done.accepted, done.duplicates) == (6, 0)
    ids = await harness.pool.fetch("select id from facts where tenant = $1 order by position", harness.tenant)
    assert [row["id"] for row in ids] == [one["id"] for one in GROUPS]


async def test_runs_of_a_tenant_follow_each_other(harness: Harness) -> None:
    await keep(harness.pool, harness.tenant, *map(unknown, GROUPS))
    first, second = await request(harness, "redrive"), await request(harness, "discard")
    async with harness.running():
        assert (await wait_for(harness, second, state="done")).discarded == 0
        assert (await wait_for(harness, first, state="done")).accepted == 6
