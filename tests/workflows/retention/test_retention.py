"""The workflow that trims, and the dispatcher that starts it again and again."""

from datetime import timedelta

import pytest

from config import Retention
from dispatcher import Dispatcher
from messages.retention import retention_id
from tests.support.events import event
from tests.support.harness import Harness

pytestmark = pytest.mark.stack

KEPT = Retention(history=timedelta(hours=1), every=timedelta(hours=1))


async def record_history(harness: Harness, first: int) -> None:
    """Records five names of a category, older than what is kept."""
    for n in range(first, first + 5):
        await harness.record(event("CategoryAdded", "c", n, name=str(n)))
    await harness.pool.execute("update revisions set at = at - interval '2 hours' where tenant = $1", harness.tenant)


async def versions(harness: Harness) -> int:
    found: int = await harness.pool.fetchval("select count(*) from entities where tenant = $1", harness.tenant)
    return found


async def test_each_due_tenant_is_trimmed_by_one_workflow_of_its_own(harness: Harness) -> None:
    harness.retention = KEPT
    dispatchers = [Dispatcher(harness.pool, harness.starter, retention=KEPT) for _ in range(2)]
    await record_history(harness, 1)
    async with harness.worker():
        for dispatcher in dispatchers:
            await dispatcher.retain()
        result = await harness.client.get_workflow_handle(retention_id(harness.tenant)).result()
        assert result["rows"] == 8  # versions of the category, and revisions
        assert await versions(harness) == 1

        await record_history(harness, 6)
        await dispatchers[0].retain()  # not due yet
        assert await versions(harness) == 6
        await harness.pool.execute("update horizons set next_run = clock_timestamp()")
        await dispatchers[1].retain()
        await harness.client.get_workflow_handle(retention_id(harness.tenant)).result()
        assert await versions(harness) == 1
