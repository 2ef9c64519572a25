"""When the rows of each tenant are trimmed next. Rows say so, so that it survives the loss of Temporal's state."""

from datetime import timedelta
from typing import NamedTuple

from store.db.pool import Pool, connection, transaction
from store.db.sql import execute, fetch_rows

TENANTS = 100
"""Tenants that are claimed together."""


class _DueTenant(NamedTuple):
    tenant: str


async def claim(pool: Pool, every: timedelta) -> list[str]:
    """Claims the tenants that are due, and makes them due again after ``every``. Raises Unavailable.

    The caller starts their workflows; of a run that is lost, the next one does the work.
    """
    async with transaction(pool) as conn:
        await execute(conn, "add_horizons")
        rows = await fetch_rows(conn, _DueTenant, "claim_tenants_to_trim", every=every, size=TENANTS)
    return [row.tenant for row in rows]


async def end_run(pool: Pool, tenant: str) -> None:
    """Records that a run has trimmed all that it can. Raises Unavailable."""
    async with connection(pool) as conn:
        await execute(conn, "end_run", tenant=tenant)
