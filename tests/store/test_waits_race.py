"""Dispatcher and worker write rows of waits without the tenant's turn; a wait that is over ends all the same."""

import asyncio

import pytest

from store.pool import Pool
from store.sql import sql
from tests.model.telling import say
from tests.store.telling import TENANT, Teller

INSTANCE = (["group_channel"], ["g1"])


@pytest.mark.parametrize("query", ["note_wait", "unstart_waits", "mark_checked"])
async def test_a_wait_ends_although_its_row_is_being_written(pool: Pool, teller: Teller, query: str) -> None:
    await teller.tell(say("GroupCreated", "g1", 1, name="g"))
    await pool.execute("update waits set started_at = now()")
    async with pool.acquire() as conn, conn.transaction():
        if query == "note_wait":
            await conn.execute(sql(query), TENANT, "group_channel", "g1", "not yet")
        else:
            await conn.execute(sql(query), [TENANT], ["relationship"], *INSTANCE)
        telling = asyncio.create_task(teller.tell(say("ChannelCreated", "c1", 1, asked_by="g1", name="g")))
        while not await conn.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
    await telling
    assert await pool.fetch("select * from waits") == []
