"""Waits and concurrent transactions: changes of other transactions are not overlooked."""

import asyncio

import pytest

from store.db.pool import Pool, transaction
from store.db.sql import execute
from store.operations import operations
from store.write.tenant_lock import lock
from tests.support.events import event
from tests.support.locks import until_blocked
from tests.support.recording import TENANT, FactRecorder


@pytest.mark.parametrize("query", ["set_wait_obstacle", "unstart_waits", "mark_checked"])
async def test_wait_ends_while_its_row_is_being_updated(pool: Pool, facts: FactRecorder, query: str) -> None:
    await facts.record(event("GroupCreated", "g1", 1, name="g"))
    await pool.execute("update waits set workflow_started_at = now()")
    async with pool.acquire() as conn, conn.transaction():
        if query == "set_wait_obstacle":
            instance = {"tenant": TENANT, "relationship": "group_channel", "parent": "g1"}
            await execute(conn, query, **instance, last_error="not yet", missing_links=[])
        else:
            await execute(
                conn, query, tenants=[TENANT], workflows=["relationship"], abouts=["group_channel"], keys=["g1"]
            )
        recording = asyncio.create_task(facts.record(event("ChannelCreated", "c1", 1, requested_by="g1", name="g")))
        await until_blocked(conn)
    await recording
    assert await pool.fetch("select * from waits") == []


async def test_lock_sees_operations_begun_by_the_transaction_before(pool: Pool, facts: FactRecorder) -> None:
    """Otherwise a fact would not notify an operation that is waiting for it."""
    await facts.record(event("GroupCreated", "g1", 1, name="g"))

    async def lock_tenant() -> tuple[int, bool]:
        async with transaction(pool) as conn:
            locked = await lock(conn, TENANT)
            return locked.revision, locked.open_operations

    assert await lock_tenant() == (1, False)
    async with transaction(pool) as conn:
        await lock(conn, TENANT)
        waiting = asyncio.create_task(lock_tenant())
        await until_blocked(conn)
        wanted = operations.NewOperation(kind="move", workflow="move", about="event_team", key="t1")
        await operations.insert(conn, TENANT, wanted, "test")
    assert await waiting == (1, True)
