"""Snapshots: one revision of one tenant, read by any number of queries in one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from errors import Expired, NotYet
from facts.revisions import epoch_of, first_of
from facts.tokens import token
from store.db.pool import Connection, Pool, connection
from store.db.sql import fetch_row


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``revision``: the one to read; ``head``: the newest. All queries on ``conn`` see the same state. ``now``: the
    database's clock, which decides what is overdue. ``merges``: whether the tenant has ever recorded a fact about
    identity. ``horizon``: the first revision that can be read; 0: all of them."""

    conn: Connection
    tenant: str
    head: int
    revision: int
    now: datetime
    merges: bool
    horizon: int = 0

    def check_epoch(self, revision: int) -> None:
        """Raises Expired for a reader whose next revision is of an earlier epoch: what it has read may be lost."""
        if epoch_of(revision) < epoch_of(self.head):
            raise lost(
                self,
                "the database was restored from a backup after this position was issued, and what was read may have "
                "been lost",
            )

    def check_feed(self, revision: int) -> None:
        """Raises Expired unless a reader can go on from this revision: it is of the present epoch, and all changes from
        it on can be read. Those of the horizon itself cannot, since what they replaced is gone."""
        self.check_epoch(revision)
        if self.horizon and revision <= self.horizon:
            raise expired(self.tenant, self.horizon)


class _Begun(NamedTuple):
    head: int
    now: datetime
    merges: bool
    horizon: int


@asynccontextmanager
async def snapshot(pool: Pool, tenant: str, as_of: int | None = None) -> AsyncIterator[Snapshot]:
    """Opens a snapshot as of a revision; of the newest one if None is given.

    Tables without history, such as waits, are read as of the newest revision in any case. Raises NotYet if the
    revision is not there yet, Expired if it is before the horizon, and Unavailable if PostgreSQL is.
    """
    async with connection(pool) as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        newest = await begin(conn, tenant)
        if as_of is not None and as_of > newest.head:
            raise NotYet("the requested revision has not been written yet")
        if as_of is not None and as_of < newest.horizon:
            raise expired(tenant, newest.horizon)
        yield newest if as_of is None else replace(newest, revision=as_of)


async def begin(conn: Connection, tenant: str) -> Snapshot:
    """A snapshot as of the newest revision, on a connection that may be in any transaction."""
    begun = await fetch_row(conn, _Begun, "begin_snapshot", tenant=tenant)
    assert begun is not None
    return Snapshot(conn, tenant, begun.head, begun.head, begun.now, begun.merges, begun.horizon)


def lost(at: Snapshot, what: str) -> Expired:
    """The error of a read across a restore of the database; ``what`` says why. It names how to begin again."""
    return Expired(
        f"{what}; read a snapshot and go on from its offset",
        earliest=token(at.tenant, first_of(epoch_of(at.head))),
        resync="/v1/snapshots",
    )


def expired(tenant: str, horizon: int) -> Expired:
    """The error of a read before the horizon: it names the first revision that can be read, and how to begin again."""
    return Expired(
        "this revision is before the horizon: it was trimmed, as older than TETHER_RETENTION_HISTORY allows. Read a"
        " snapshot, and follow the feed from there",
        earliest=token(tenant, horizon),
        resync="/v1/snapshots",
    )
