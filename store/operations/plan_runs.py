"""How far the execution of a plan is."""

from dataclasses import dataclass
from datetime import datetime

from catalog.catalog import Catalog
from messages.operation_reasons import EndReason
from store.db.pool import Pool, connection, transaction
from store.db.sql import fetch_row, sql
from store.operations import children, operations
from store.operations.operation_row import OperationRow
from store.write.settle import lock


@dataclass(frozen=True, slots=True)
class PlanRun:
    """``operation`` None: it is over. ``todo``: whether children are to be asked for. ``outstanding``: children asked
    for, whose facts have not come."""

    operation: OperationRow | None = None
    todo: bool = False
    outstanding: int = 0
    newer: bool = False


async def look(pool: Pool, catalog: Catalog, tenant: str, about: str, operation: str, now: datetime) -> PlanRun:
    """Ends it if it is over, and says what is to be done."""
    async with connection(pool) as conn:
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        if row is not None and row.state == "running":
            await children.settle(conn, catalog, tenant, row, now)
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        if row is not None and row.state == "running":
            left = await children.left(conn, tenant, operation)
            todo = await children.count_unrequested(conn, tenant, operation)
            if row.cancelled_at is not None:
                reason = EndReason("stopped_midway", {"unconfirmed": left.outstanding, "remaining": todo})
                await operations.end(conn, row, "cancelled", reason, revision=revision)
            elif todo or left.outstanding:
                await children.note_silence(conn, tenant, operation, left, now)
                row = await fetch_row(
                    conn, OperationRow, "continue_operation", tenant=tenant, id=operation, remaining=0
                )
                return PlanRun(row, todo > 0, left.outstanding)
            elif left.parked:
                reason = EndReason("children_parked", {"parked": left.parked})
                await operations.end(conn, row, "incomplete", reason, revision=revision)
            else:
                await operations.end(conn, row, "done", revision=revision)
        newer = await conn.fetchval(sql("forget_outbox_rows"), tenant, "plan", about, operation, revision)
    return PlanRun(newer=bool(newer))
