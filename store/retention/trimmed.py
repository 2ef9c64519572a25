"""Trims rows batch by batch, and counts them."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from store.db.pool import Connection, Pool, transaction
from store.db.sql import execute, fetch_rows, fetch_value

BATCH = 1_000
"""Rows of one transaction."""


class TrimmedRows(NamedTuple):
    """``what``: the name of a table, or ``bodies``; ``rows``: how many were trimmed since the beginning."""

    what: str
    rows: int


async def count(conn: Connection, tenant: str, what: str, rows: int) -> None:
    """Adds to the number of rows that were trimmed, within the transaction that trims them."""
    if rows:
        await execute(conn, "count_trimmed", tenant=tenant, what=what, rows=rows)


async def trimmed(conn: Connection, tenant: str) -> list[TrimmedRows]:
    """How many rows of a tenant were trimmed."""
    return await fetch_rows(conn, TrimmedRows, "trimmed_rows", tenant=tenant)


async def batches(pool: Pool, tenant: str, what: str, query: str, **values: Any) -> AsyncIterator[int]:
    """Runs a query that trims up to ``:size`` rows until it trims fewer, each time in a transaction of its own. Yields
    how many it has trimmed each time. Raises Unavailable."""
    rows = BATCH
    while rows >= BATCH:
        async with transaction(pool) as conn:
            rows = await fetch_value(conn, query, tenant=tenant, size=BATCH, **values)
            await count(conn, tenant, what, rows)
        yield rows
