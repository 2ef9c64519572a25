"""Deletes ended work: operations with their children, plans, bodies of requests, snapshots, redrives; and quarantined
events."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from config import Retention
from store.db.pool import Pool, connection, transaction
from store.db.sql import fetch_rows, fetch_value
from store.retention.trimmed import BATCH, batches, count
from store.write import quarantine


class _EndedOperation(NamedTuple):
    """A row of ``ended_operations``. ``old``: whether it can be deleted."""

    id: str
    created_at: datetime
    old: bool


async def trim(pool: Pool, tenant: str, retention: Retention) -> AsyncIterator[int]:
    """Deletes ended work, in transactions of some rows. Yields how many each has deleted. Raises Unavailable."""
    if (age := retention.operations) is not None:
        async for rows in _operations(pool, tenant, age):
            yield rows
        for what, query in (
            ("plans", "trim_plans"),
            ("request_bodies", "trim_request_bodies"),
            ("snapshots", "trim_snapshots"),
            ("quarantine_run_events", "trim_quarantine_run_events"),
            ("quarantine_runs", "trim_quarantine_runs"),
        ):
            async for rows in batches(pool, tenant, what, query, age=age):
                yield rows
    if retention.quarantine is not None:
        async for rows in _quarantine(pool, tenant, retention.quarantine):
            yield rows


async def _quarantine(pool: Pool, tenant: str, age: timedelta) -> AsyncIterator[int]:
    rows = BATCH
    while rows >= BATCH:
        async with transaction(pool) as conn:
            await quarantine.lock(conn, tenant)
            rows = await fetch_value(conn, "trim_quarantine", tenant=tenant, size=BATCH, age=age)
            await count(conn, tenant, "quarantine", rows)
        yield rows


async def _operations(pool: Pool, tenant: str, age: timedelta) -> AsyncIterator[int]:
    after, after_id = datetime.min.replace(tzinfo=UTC), ""
    while True:
        async with connection(pool) as conn:
            page = await fetch_rows(
                conn,
                _EndedOperation,
                "ended_operations",
                tenant=tenant,
                after=after,
                after_id=after_id,
                age=age,
                size=BATCH,
            )
        if not page:
            return
        old = [operation.id for operation in page if operation.old]
        for id in old:
            async for rows in batches(pool, tenant, "operation_children", "trim_operation_children", operation=id):
                yield rows
        async with transaction(pool) as conn:
            deleted = await fetch_value(conn, "trim_operations", tenant=tenant, ids=old)
            await count(conn, tenant, "operations", deleted)
        yield deleted
        after, after_id = page[-1].created_at, page[-1].id
