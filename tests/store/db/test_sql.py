"""Every named query is one that PostgreSQL understands."""

import pytest

from store.db.pool import Pool
from store.db.sql import queries


@pytest.mark.parametrize("name", sorted(queries()))
async def test_the_query_fits_the_schema(pool: Pool, name: str) -> None:
    async with pool.acquire() as conn:
        await conn.prepare(queries()[name])
