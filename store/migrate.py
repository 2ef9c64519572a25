"""Brings the database to the state that this version needs: schema, keys, links of new declarations. Idempotent.

An advisory lock lets several processes start it at once: one works, the others wait.
"""

import asyncio

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from config import Settings
from store.db import credentials, schema
from store.db.pool import Pool, connection, create_pool
from store.write import backfill

_LOCK = 0x7E7E


def run(settings: Settings) -> None:
    """Migrates the database of the settings."""
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    catalog = catalogs.load(settings.catalog)
    pool = await create_pool(settings.database_url, 2, name="tether migrate")
    try:
        await migrate(pool, catalog)
        await credentials.provide(pool, catalog, settings)
    finally:
        await pool.close()


async def migrate(pool: Pool, catalog: Catalog) -> list[str]:
    """Applies the missing migrations and backfills new relationships; returns the names of the migrations."""
    async with connection(pool) as conn:
        await conn.execute("select pg_advisory_lock($1)", _LOCK)
        try:
            applied = await schema.apply(conn)
            await backfill.backfill(conn, catalog)
        finally:
            await conn.execute("select pg_advisory_unlock($1)", _LOCK)
    return applied
