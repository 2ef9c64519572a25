"""Snapshots: one revision of one tenant, read by any number of queries in one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from errors import NotYet
from store.db.pool import Connection, Pool, connection
from store.db.sql import fetch_row


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``revision``: the one to read; ``head``: the newest. All queries on ``conn`` see the same state. ``now``: the
    database's clock, which decides what is overdue. ``merges``: whether the tenant has ever recorded a fact about
    identity."""

    conn: Connection
    tenant: str
    head: int
    revision: int
    now: datetime
    merges: bool


class _Begun(NamedTuple):
    head: int
    now: datetime
    merges: bool


@asynccontextmanager
async def snapshot(pool: Pool, tenant: str, as_of: int | None = None) -> AsyncIterator[Snapshot]:
    """Opens a snapshot as of a revision; of the newest one if None is given.

    Tables without history, such as waits, are read as of the newest revision in any case. Raises NotYet if the
    revision is not there yet, Unavailable if PostgreSQL is.
    """
    async with connection(pool) as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        begun = await fetch_row(conn, _Begun, "begin_snapshot", tenant=tenant)
        assert begun is not None
        if as_of is not None and as_of > begun.head:
            raise NotYet("the requested revision has not been written yet")
        yield Snapshot(conn, tenant, begun.head, begun.head if as_of is None else as_of, begun.now, begun.merges)
