"""One run of retention: the horizon moves, then rows go, in many small transactions."""

from collections.abc import AsyncGenerator

from catalog.catalog import Catalog
from config import Retention
from store.db.pool import Pool
from store.retention import bodies, ended, horizon, schedule, versions


async def run(pool: Pool, catalog: Catalog, tenant: str, retention: Retention) -> AsyncGenerator[int, None]:
    """Trims the rows of a tenant. Yields how many rows each transaction has trimmed; the caller may stop after any of
    them, and the next run goes on. Raises Unavailable."""
    more = True
    while more:
        found, more = await horizon.move(pool, tenant, retention)
        async for rows in versions.trim(pool, catalog, tenant, found, bodies=retention.bodies is not None):
            yield rows
    if retention.bodies is not None:
        async for rows in bodies.empty(pool, catalog, tenant, retention.bodies):
            yield rows
    async for rows in ended.trim(pool, tenant, retention):
        yield rows
    await schedule.end_run(pool, tenant)
