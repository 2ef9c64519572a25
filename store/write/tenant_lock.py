"""The lock of a tenant: its revision row, locked by every transaction that writes for the tenant."""

from typing import NamedTuple

from store.db.pool import Connection
from store.db.sql import execute, fetch_value


class LockedRevision(NamedTuple):
    """The current revision of a tenant, and whether any operation of the tenant is waiting for facts."""

    revision: int
    open_operations: bool


async def lock(conn: Connection, tenant: str) -> LockedRevision:
    """Locks the tenant's revision row (``SELECT … FOR UPDATE``) until the transaction ends."""
    revision = await fetch_value(conn, "lock_tenant_revision", tenant=tenant)
    if revision is None:
        await execute(conn, "create_tenant_revision", tenant=tenant)
        revision = await fetch_value(conn, "lock_tenant_revision", tenant=tenant)
    # A separate statement on purpose: under READ COMMITTED a statement takes its snapshot before it waits for a lock.
    return LockedRevision(revision, await fetch_value(conn, "has_open_operations", tenant=tenant))
