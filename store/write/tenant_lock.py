"""The lock of a tenant: its revision row, locked by every transaction that writes for the tenant."""

from datetime import datetime
from typing import NamedTuple

from errors import Unavailable
from store.db.pool import Connection
from store.db.sql import execute, fetch_row


class LockedTenant(NamedTuple):
    """A tenant whose revision row is locked.

    ``revision``: the current one. ``facts``: how many facts its ledger holds, which is the position of the newest.
    ``now``: the database's time, after the lock was taken. ``open_operations``: whether any of its operations is
    waiting for facts. ``merges``: whether it has ever recorded a fact about identity; ``voids``: whether any
    of its facts was ever voided. ``restarting``: the kinds whose
    entities the tables hold as folded with restarts of sequences; ``meanings``: by what facts were read then, as
    `Catalog.meaning_lines`.
    """

    revision: int
    facts: int
    merges: bool
    voids: bool
    now: datetime
    open_operations: bool
    restarting: list[str]
    meanings: list[str]


class _Counters(NamedTuple):
    revision: int
    facts: int
    merges: bool
    voids: bool


class _AfterLock(NamedTuple):
    now: datetime
    open_operations: bool
    restarting: list[str]
    meanings: list[str]


async def lock(conn: Connection, tenant: str) -> LockedTenant:
    """Locks the tenant's revision row (``SELECT … FOR UPDATE``) until the transaction ends."""
    counters = await fetch_row(conn, _Counters, "lock_tenant_revision", tenant=tenant)
    if counters is None:
        await execute(conn, "create_tenant_revision", tenant=tenant)
        counters = await fetch_row(conn, _Counters, "lock_tenant_revision", tenant=tenant)
    # A separate statement on purpose: under READ COMMITTED a statement takes its snapshot before it waits for a lock.
    after = await fetch_row(conn, _AfterLock, "read_after_lock", tenant=tenant)
    if counters is None or after is None:
        raise Unavailable(f"the revision row of tenant {tenant!r} has disappeared")
    return LockedTenant(*counters, *after)
