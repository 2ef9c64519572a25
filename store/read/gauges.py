"""Numbers about the whole database, for whoever watches over it."""

import asyncio
from typing import Any

import asyncpg

from errors import Unavailable
from store.db.pool import Pool, connection
from store.db.sql import sql

SECONDS = 2.0
"""How long all of them together may take: what is not there by then is left out."""

NAMES = ("gauge_heads", "gauge_intents", "gauge_waits", "gauge_quarantine")


async def read(pool: Pool) -> dict[str, list[Any]]:
    """Query → rows, as many of them as PostgreSQL gives in time; of nothing, if it is away."""
    found: dict[str, list[Any]] = {}
    try:
        async with asyncio.timeout(SECONDS), connection(pool) as conn:
            for name in NAMES:
                found[name] = await conn.fetch(sql(name))
    except (Unavailable, TimeoutError, asyncpg.PostgresError):
        pass  # a number that is missing says so by itself
    return found
