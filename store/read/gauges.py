"""Reads numbers about the whole database, for monitoring."""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from errors import Unavailable
from store.db.pool import Pool, connection
from store.db.sql import fetch_rows, fetch_value
from store.read.waits import Side

SECONDS = 2.0
"""Time for all queries together; numbers that are not there by then are left out."""


class TenantRevision(NamedTuple):
    """The newest revision of one tenant."""

    tenant: str
    revision: int


class WaitCount(NamedTuple):
    """The waits of one relationship for the same side."""

    tenant: str
    relationship: str
    missing: Side
    waits: int
    overdue: int


class QuarantineCount(NamedTuple):
    """The facts in quarantine of one tenant."""

    tenant: str
    facts: int


class SenderGauge(NamedTuple):
    """What is in quarantine of one API key, and how many events of it were not kept."""

    tenant: str
    actor: str
    events: int
    bytes: int
    not_kept: int


class StrayCount(NamedTuple):
    """Open workflows without rows. ``action``: what was done, ``signalled`` or ``terminated``."""

    action: str
    workflows: int


class ConsumerGauge(NamedTuple):
    """How far one consumer is behind. ``lag_revisions``: None across a restore."""

    tenant: str
    name: str
    state: str
    lag_revisions: int | None
    lag_seconds: float


class HorizonGauge(NamedTuple):
    """The horizon of one tenant. ``age``: seconds since its revision was written."""

    tenant: str
    revision: int
    age: float


class TrimmedCount(NamedTuple):
    """Rows of one table that retention has trimmed; ``what``: its name, or ``bodies``."""

    tenant: str
    what: str
    rows: int


@dataclass(slots=True)
class Gauges:
    """Each is None if it could not be read in time. ``outbox``: rows that have not been dispatched."""

    revisions: list[TenantRevision] | None = None
    outbox: int | None = None
    waits: list[WaitCount] | None = None
    quarantine: list[QuarantineCount] | None = None
    senders: list[SenderGauge] | None = None
    strays: list[StrayCount] | None = None
    horizons: list[HorizonGauge] | None = None
    trimmed: list[TrimmedCount] | None = None
    consumers: list[ConsumerGauge] | None = None


async def read(pool: Pool) -> Gauges:
    """Returns as many numbers as PostgreSQL gives in time; none if it is unavailable."""
    found = Gauges()
    try:
        async with asyncio.timeout(SECONDS), connection(pool) as conn:
            found.revisions = await fetch_rows(conn, TenantRevision, "gauge_revisions")
            found.outbox = await fetch_value(conn, "gauge_outbox")
            found.waits = await fetch_rows(conn, WaitCount, "gauge_waits")
            found.quarantine = await fetch_rows(conn, QuarantineCount, "gauge_quarantine")
            found.senders = await fetch_rows(conn, SenderGauge, "gauge_quarantine_senders")
            found.horizons = await fetch_rows(conn, HorizonGauge, "gauge_horizons")
            found.trimmed = await fetch_rows(conn, TrimmedCount, "gauge_trimmed")
            found.strays = await fetch_rows(conn, StrayCount, "gauge_strays")
            found.consumers = await fetch_rows(conn, ConsumerGauge, "gauge_consumers")
    except (Unavailable, TimeoutError, asyncpg.PostgresError):
        pass  # a number that is missing from the metrics says so itself
    return found
