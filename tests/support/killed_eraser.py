"""Carries an erasure out, and ends, as by kill -9, after some of its transactions."""

import os
from collections.abc import AsyncIterator

from catalog import catalog as catalogs
from store.db.pool import create_pool
from store.erasure import entity, traces, vacuum


async def steps(database: str, tenant: str, id: str) -> AsyncIterator[object]:
    """Yields after each transaction."""
    pool, catalog = await create_pool(database, 2), catalogs.load()
    row = await entity.erase(pool, catalog, tenant, id)
    yield row
    async for rows in traces.erase(pool, catalog, row):
        yield rows
    async for table in vacuum.vacuum(pool, row):
        yield table


async def main(database: str, tenant: str, id: str, transactions: int) -> None:
    """Ends with the exit code 9, or with 0 if the erasure has ended before."""
    left = transactions
    async for _ in steps(database, tenant, id):
        left -= 1
        if not left:
            os._exit(9)
