"""Retention of one tenant, whose clock is set forward."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from config import Retention
from store.db.pool import Pool
from store.retention import run
from tests.support.tenants import StoreTenant

HOUR = timedelta(hours=1)
KEPT = Retention(history=HOUR, bodies=HOUR, operations=HOUR, quarantine=HOUR, cap=timedelta(hours=10))


@dataclass
class Trimmer:
    """Trims the rows of a tenant. The database's clock cannot be set: its rows are made older instead."""

    pool: Pool
    tenant: StoreTenant
    retention: Retention = KEPT

    async def pass_time(self, time: timedelta = 2 * HOUR) -> None:
        """Makes all rows of the tenant older."""
        for table, columns in {
            "revisions": ["at"],
            "operations": ["created_at", "ended_at"],
            "outbox": ["created_at"],
            "quarantine": ["received"],
            "plans": ["created_at"],
            "request_bodies": ["created_at"],
            "waits": ["waiting_since"],
            "snapshots": ["leased_until"],
            "horizons": ["pass_began", "next_run", "sweep_began"],
        }.items():
            changes = ", ".join(f"{column} = {column} - $2::interval" for column in columns)
            change = f"update {table} set {changes} where tenant = $1"  # noqa: S608  # constants
            await self.pool.execute(change, self.tenant.name, time)

    async def trim(self) -> int:
        """Trims all that can be; returns the number of rows."""
        return sum([rows async for rows in run.run(self.pool, self.tenant.catalog, self.tenant.name, self.retention)])

    async def trim_until(self, transactions: int) -> bool:
        """Trims, and ends after so many transactions, as if by a crash; returns whether there was one more."""
        running = run.run(self.pool, self.tenant.catalog, self.tenant.name, self.retention)
        try:
            for _ in range(transactions + 1):
                await anext(running)
        except StopAsyncIteration:
            return False
        finally:
            await running.aclose()
        return True

    async def age_and_trim(self) -> int:
        """Lets everything become too old, and trims."""
        await self.pass_time()
        return await self.trim()

    async def rows(self, table: str) -> int:
        """How many rows a table has."""
        count = f"select count(*) from {table} where tenant = $1"  # noqa: S608  # constants
        found: int = await self.pool.fetchval(count, self.tenant.name)
        return found

    async def horizon(self) -> Any:
        """The row of the horizon."""
        return await self.pool.fetchrow("select * from horizons where tenant = $1", self.tenant.name)


@pytest.fixture
def trimmer(pool: Pool, tenant: StoreTenant) -> Trimmer:
    """Of a tenant with the project's own declarations."""
    return Trimmer(pool, tenant)
