"""Epochs: after a restore, no token of a revision that was lost names another one.

``tether restore-complete`` begins an epoch for every tenant. Where PostgreSQL itself shows that the database is not
the one of the last start (another cluster, or another timeline: restored to a point in time, or promoted), ``tether
migrate`` begins one by itself. Files of an older state that were put back show nothing: say it.
"""

from typing import NamedTuple

from errors import Expired
from facts import tokens
from facts.revisions import epoch_of, first_of
from store.db.pool import Connection
from store.db.snapshot import Snapshot
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
    number = await fetch_value(conn, "next_epoch")
    locked = await fetch_rows(conn, _Locked, "lock_tenant_revisions")
    epochs = [Epoch(row.tenant, row.restored, first_of(max(number, epoch_of(row.restored) + 1))) for row in locked]
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
    if epoch_of(revision) == epoch_of(at.head):
        return
    restored = await fetch_value(at.conn, "restored_revision", tenant=at.tenant, revision=revision)
    if restored is not None and revision > restored:
        raise _expired(at, "the token is of a revision that was lost when the database was restored from a backup")


def check_position(at: Snapshot, revision: int) -> None:
    """Raises Expired for the position of a reader in an earlier epoch: what it has read since may have been lost."""
    if epoch_of(revision) < epoch_of(at.head):
        raise _expired(
            at,
            "the database was restored from a backup after this position was issued, and what was read may have been "
            "lost",
        )


def _expired(at: Snapshot, what: str) -> Expired:
    return Expired(
        f"{what}; read a snapshot and go on from its offset",
        earliest=tokens.token(at.tenant, first_of(epoch_of(at.head))),
        resync="/v1/snapshots",
    )
