"""How far the execution of a plan is."""

from dataclasses import dataclass
from datetime import datetime

from catalog.catalog import Catalog
from store.db.pool import Pool, connection, transaction
from store.db.sql import sql
from store.operations import children, operations
from store.operations.operations import Row
from store.write.settle import lock


@dataclass(frozen=True, slots=True)
class PlanRun:
    """``operation`` None: it is over. ``todo``: whether children are to be asked for. ``outstanding``: children asked
    for, whose facts have not come."""

    operation: Row | None = None
    todo: bool = False
    outstanding: int = 0
    newer: bool = False


async def look(pool: Pool, catalog: Catalog, tenant: str, about: str, operation: str, now: datetime) -> PlanRun:
    """Ends it if it is over, and says what is to be done."""
    async with connection(pool) as conn:
        row = await conn.fetchrow(sql("operation"), tenant, operation)
        if row is not None and row["state"] == "running":
            await children.settle(conn, catalog, tenant, row, now)
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        row = await conn.fetchrow(sql("operation"), tenant, operation)
        if row is not None and row["state"] == "running":
            left = await children.left(conn, tenant, operation)
            todo = await children.count_unrequested(conn, tenant, operation)
            if row["cancelled_at"] is not None:
                reason = f"{left.outstanding} more were asked for, {todo} were not"
                await operations.end(conn, tenant, row, "cancelled", reason, revision)
            elif todo or left.outstanding:
                await children.note_silence(conn, tenant, operation, left, now)
                row = await conn.fetchrow(sql("sweep_on"), tenant, operation, 0)
                return PlanRun(row, todo > 0, left.outstanding)
            else:
                parked = f"children parked: {left.parked}" if left.parked else ""
                await operations.end(conn, tenant, row, "incomplete" if left.parked else "done", parked, revision)
        newer = await conn.fetchval(sql("forget_outbox_rows"), tenant, "plan", about, operation, revision)
    return PlanRun(newer=bool(newer))
