"""Lets time pass for one tenant: the clock of the database cannot be set, so what was written becomes older instead."""

from datetime import timedelta

from catalog import catalog
from config import Retention
from store.db.pool import create_pool
from store.retention import run


async def pass_time(database: str, tenant: str, time: timedelta) -> None:
    """Makes all revisions of a tenant older. ``database``: its URL."""
    pool = await create_pool(database, 1)
    try:
        await pool.execute("update revisions set at = at - $2::interval where tenant = $1", tenant, time)
    finally:
        await pool.close()


async def trim(database: str, tenant: str, history: timedelta) -> int:
    """Trims what is older, without regard to consumers, as Tether does by itself if it is configured. Returns how many
    rows that were."""
    retention = Retention(history=history, cap=timedelta(0))
    pool = await create_pool(database, 2)
    try:
        return sum([rows async for rows in run.run(pool, catalog.load(), tenant, retention)])
    finally:
        await pool.close()
