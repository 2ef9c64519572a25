"""Counts what a tenant has, for the report of `tether verify`: none of it violates an invariant."""

from dataclasses import dataclass

from store.db.pool import Connection
from store.db.sql import fetch_rows


@dataclass(frozen=True, slots=True)
class _Count:
    """A row of ``verify_counts``."""

    what: str
    count: int


async def of_tenant(conn: Connection, tenant: str) -> dict[str, int]:
    """Returns what is counted → number of rows."""
    rows = await fetch_rows(conn, _Count, "verify_counts", tenant=tenant)
    return {row.what: row.count for row in rows}
