"""Connections: what is away is told from what is wrong."""

import pytest

from errors import Unavailable
from store.db.pool import Pool, connection, create_pool
from store.db.sql import sql


async def test_a_query_with_too_few_arguments_is_a_mistake_and_not_an_absence(pool: Pool) -> None:
    with pytest.raises(TypeError, match="the server expects 1 argument"):
        async with connection(pool) as conn:
            await conn.fetch(sql("revision"))
    async with connection(pool) as conn:
        assert await conn.fetchval("select 1") == 1


async def test_nobody_who_listens_is_an_absence() -> None:
    pool = await create_pool("postgres://127.0.0.1:1/tether", 1)
    with pytest.raises(Unavailable, match="PostgreSQL is away"):
        async with connection(pool):
            pass
    await pool.close()
