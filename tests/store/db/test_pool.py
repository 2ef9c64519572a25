"""Connections: an unavailable database and a mistake in a call raise different errors."""

import pytest

from errors import Unavailable
from store.db.pool import Pool, connection, create_pool
from store.db.sql import sql


async def test_query_with_too_few_arguments_raises_type_error(pool: Pool) -> None:
    with pytest.raises(TypeError, match="the server expects 1 argument"):
        async with connection(pool) as conn:
            await conn.fetch(sql("revision"))
    async with connection(pool) as conn:
        assert await conn.fetchval("select 1") == 1


async def test_refused_connection_raises_unavailable() -> None:
    pool = await create_pool("postgres://127.0.0.1:1/tether", 1)
    with pytest.raises(Unavailable, match="PostgreSQL is unavailable"):
        async with connection(pool):
            pass
    await pool.close()
