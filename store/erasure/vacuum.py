"""Removes the former versions of emptied rows from the tables.

PostgreSQL keeps the former version of a row that was changed until VACUUM has removed it, which autovacuum may do late.
Its bytes stay in the free space of the table's file until something else is written there; to write the file again
leaves nothing, but locks the table.
"""

from collections.abc import AsyncIterator

from store.db.pool import Pool, connection
from store.db.sql import execute, fetch_value
from store.erasure.requests import ErasureRow

TABLES = (
    "delivery_attempts",
    "entities",
    "facts",
    "merges",
    "operation_children",
    "operations",
    "quarantine",
    "request_bodies",
    "undelivered",
    "waits",
    "webhooks",
)
"""Those with rows that an erasure empties."""
SECONDS = 3_600.0
"""Time that one table may take."""
LOCK_TIMEOUT = "2s"
"""Time for which others may queue behind the lock that a file is written again with, before it is given up."""


async def vacuum(pool: Pool, row: ErasureRow) -> AsyncIterator[str]:
    """Vacuums the tables, each in a statement of its own. Yields the name of each when it is done. Raises Unavailable,
    for instance if a table is in use for long: the next call writes no table again that was written already.

    Records it, unless a session still reads by a snapshot from before it: that may see what rows held that were emptied
    last. As long as there is one, no table is written again, as it would have to be once more. The samples that the
    planner keeps of columns are taken again, too.
    """
    async with connection(pool) as conn:
        begun = await fetch_value(conn, "vacuum_begun")
        full = row.rewrite and not await fetch_value(conn, "older_snapshots", begun=begun)
    for table in TABLES:
        if full and table in row.rewritten:
            continue
        async with connection(pool) as conn:
            await conn.execute(f"set statement_timeout = 0; set lock_timeout = '{LOCK_TIMEOUT}'")
            try:
                how = "full, analyze" if full else "truncate false, analyze"
                await conn.execute(f"vacuum ({how}) {table}", timeout=SECONDS)
            finally:
                await conn.execute("reset statement_timeout; reset lock_timeout")
            if full:
                await execute(conn, "note_rewritten", tenant=row.tenant, id=row.id, table=table)
        yield table
    async with connection(pool) as conn:
        if full == row.rewrite and not await fetch_value(conn, "older_snapshots", begun=begun):
            await execute(conn, "note_vacuum", tenant=row.tenant, id=row.id)
