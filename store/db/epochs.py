"""Epochs: after a restore, no token of a revision that was lost names another one.

``tether restore-complete`` begins an epoch for every tenant, also for those that have not written yet: one that the
backup does not contain may have written all the same. Where PostgreSQL itself shows that the database is not the one of
the last start (another cluster, or another timeline: restored to a point in time, or promoted), ``tether migrate``
begins one by itself. Files of an older state that were put back show nothing: say it.
"""

from typing import NamedTuple

from facts.revisions import NUMBER_BITS, epoch_of, first_of
from store.db.pool import Connection
from store.db.snapshot import Snapshot, lost
from store.db.sql import execute, fetch_row, fetch_rows, fetch_value


class _Identity(NamedTuple):
    """A row of ``find_database_identity``."""

    system_identifier: str
    timeline: str
    former_system_identifier: str | None
    former_timeline: str | None


class _Locked(NamedTuple):
    """A row of ``lock_tenant_revisions``."""

    tenant: str
    restored: int


class Epoch(NamedTuple):
    """An epoch of a tenant. ``restored``: the newest revision before it; ``revision``: its first."""

    tenant: str
    restored: int
    revision: int


async def recognize_restore(conn: Connection) -> list[Epoch]:
    """Begins an epoch for every tenant if this is another cluster or timeline than at the last start, and remembers it.

    Returns the epochs: none if the database is the same. The caller holds the lock of migrations.
    """
    async with conn.transaction():
        found = await fetch_row(conn, _Identity, "find_database_identity")
        assert found is not None
        now = (found.system_identifier, found.timeline)
        former = (found.former_system_identifier, found.former_timeline)
        if now == former:
            return []
        await execute(conn, "keep_database_identity", system_identifier=now[0], timeline=now[1])
        if former[0] is None:
            return []
        what = "cluster" if now[0] != former[0] else "timeline"
        return await _begin_all(conn, f"the database is of another {what} than before")


async def begin_everywhere(conn: Connection, reason: str) -> list[Epoch]:
    """Begins an epoch for every tenant, whose earlier tokens expire. ``reason``: a sentence for operators."""
    async with conn.transaction():
        return await _begin_all(conn, reason)


async def _begin_all(conn: Connection, reason: str) -> list[Epoch]:
    first = await fetch_value(conn, "begin_newest_epoch", bits=NUMBER_BITS)
    # After it, so that a tenant which has just begun in the former epoch is seen.
    locked = await fetch_rows(conn, _Locked, "lock_tenant_revisions")
    epochs = [Epoch(row.tenant, row.restored, first) for row in locked]
    await execute(
        conn,
        "begin_epochs",
        tenants=[epoch.tenant for epoch in epochs],
        revisions=[epoch.revision for epoch in epochs],
        restored=[epoch.restored for epoch in epochs],
        reason=reason,
    )
    return epochs


async def check_kept(at: Snapshot, revision: int) -> None:
    """Raises Expired for a revision of an earlier epoch that was lost in a restore.

    One that was not lost names the same state as ever.
    """
    if epoch_of(revision) >= epoch_of(at.head):
        return
    restored = await fetch_value(at.conn, "restored_revision", tenant=at.tenant, revision=revision)
    if revision > (restored or 0):  # a tenant without an epoch of its own has lost everything it may have had
        raise lost(at, "the token is of a revision that was lost when the database was restored from a backup")


async def beginning(at: Snapshot) -> int:
    """Returns the first revision that a reader reads who begins at the beginning of the feed.

    Raises Expired if the feed has items from before a restore: they can be read as a snapshot only, since an offset
    among them may be that of a reader whose later items were lost.
    """
    epoch = epoch_of(at.head)
    if not epoch:
        return 0
    if await fetch_value(at.conn, "anything_was_restored", tenant=at.tenant, bits=NUMBER_BITS):
        raise lost(at, "the feed begins where the database was restored from a backup")
    return first_of(epoch) + 1
