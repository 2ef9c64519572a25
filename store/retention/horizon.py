"""The horizon of a tenant: the first revision that can be read. It moves before anything is deleted."""

from datetime import datetime, timedelta
from typing import NamedTuple

from config import Retention
from store.db.pool import Connection, Pool, transaction
from store.db.sql import OPEN, execute, fetch_row, fetch_rows
from store.write.tenant_lock import lock

STEP = 20_000
"""Revisions by which the horizon moves at most at a time."""


class Horizon(NamedTuple):
    """``revision``: the first that can be read, 0: all of them; ``at``: when it was written. ``sealed``: facts up to
    this revision cannot be voided. ``held_by``: what holds the horizon back, with its name; None: nothing does."""

    revision: int = 0
    at: datetime | None = None
    sealed: int = 0
    held_by: str | None = None
    held_name: str | None = None
    last_run: datetime | None = None
    next_run: datetime | None = None


class Hold(NamedTuple):
    """What needs a revision and all later ones: it, or the one that was the newest at ``since``."""

    what: str
    name: str
    since: datetime | None
    revision: int | None


class _Candidates(NamedTuple):
    """A row of ``revisions_after``."""

    wanted: int | None
    forced: int | None
    before: int | None


async def read(conn: Connection, tenant: str) -> Horizon:
    """The horizon of a tenant; the beginning if retention has never looked at it."""
    return await fetch_row(conn, Horizon, "horizon", tenant=tenant) or Horizon()


async def move(pool: Pool, tenant: str, retention: Retention) -> tuple[Horizon, bool]:
    """Moves the horizon as far as it may. Returns it, and whether it may move further at once.

    Holds the tenant's lock for as long as that takes, some milliseconds: no consumer or operation begins meanwhile, and
    no fact is voided. Raises Unavailable.
    """
    async with transaction(pool) as conn:
        await lock(conn, tenant)
        known = await read(conn, tenant)
        revision, hold = known.revision, None
        if retention.history is not None:
            revision, hold = await _next(conn, tenant, retention.history, retention.cap, known.revision)
        sealed = known.sealed
        if retention.bodies is not None:
            found = await _candidates(conn, tenant, sealed, revision, retention.bodies)
            sealed = found.wanted or sealed
        await execute(
            conn,
            "move_horizon",
            tenant=tenant,
            revision=revision,
            sealed=sealed,
            held_by=hold and hold.what,
            held_name=hold and hold.name,
        )
        more = revision - known.revision >= STEP or sealed - known.sealed >= STEP
        return await read(conn, tenant), more


async def _next(
    conn: Connection, tenant: str, history: timedelta, cap: timedelta, after: int
) -> tuple[int, Hold | None]:
    """The revision to move to, and what keeps it from being a later one."""
    found = await _candidates(conn, tenant, after, OPEN, history, history + cap)
    target, held_by = found.wanted or after, None
    forced = found.forced or after
    for hold in await fetch_rows(conn, Hold, "retention_holds", tenant=tenant, horizon=after):
        needed = hold.revision
        if needed is None:
            since = await _candidates(conn, tenant, after, OPEN, history, since=hold.since)
            needed = since.before or after
        if max(needed, forced) < target:
            target, held_by = max(needed, forced), hold
    return target, held_by


async def _candidates(
    conn: Connection,
    tenant: str,
    after: int,
    last: int,
    wanted: timedelta,
    forced: timedelta | None = None,
    since: datetime | None = None,
) -> _Candidates:
    found = await fetch_row(
        conn,
        _Candidates,
        "revisions_after",
        tenant=tenant,
        after=after,
        last=last,
        wanted=wanted,
        forced=forced,
        since=since,
        size=STEP,
    )
    assert found is not None  # aggregates always give a row
    return found
