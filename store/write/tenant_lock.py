"""The lock of a tenant: its revision row, locked by every transaction that writes for the tenant."""

from datetime import datetime
from typing import NamedTuple

from store.db.pool import Connection
from store.db.sql import execute, fetch_row, fetch_value


class LockedTenant(NamedTuple):
    """The current revision of a tenant, the clock, and whether any operation of the tenant is waiting for facts."""

    revision: int
    now: datetime
    open_operations: bool


class _AfterLock(NamedTuple):
    now: datetime
    open_operations: bool


async def lock(conn: Connection, tenant: str) -> LockedTenant:
    """Locks the tenant's revision row (``SELECT … FOR UPDATE``) until the transaction ends."""
    revision = await fetch_value(conn, "lock_tenant_revision", tenant=tenant)
    if revision is None:
        await execute(conn, "create_tenant_revision", tenant=tenant)
        revision = await fetch_value(conn, "lock_tenant_revision", tenant=tenant)
    # A separate statement on purpose: under READ COMMITTED a statement takes its snapshot before it waits for a lock.
    after = await fetch_row(conn, _AfterLock, "read_after_lock", tenant=tenant)
    assert after is not None
    return LockedTenant(revision, *after)
