"""Snapshots: one revision of one tenant, read by any number of queries in one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from errors import Expired, NotYet
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

    def check_feed(self, revision: int) -> None:
        """Raises Expired unless all changes from this revision on can be read: those of the horizon itself cannot,
        since what they replaced is gone."""
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


def expired(tenant: str, horizon: int) -> Expired:
    """The error of a read before the horizon: it names the first revision that can be read, and how to begin again."""
    return Expired(
        "this revision is before the horizon: it was trimmed, as older than TETHER_RETENTION_HISTORY allows. Read a"
        " snapshot, and follow the feed from there",
        earliest=token(tenant, horizon),
        resync="/v1/snapshots",
    )
