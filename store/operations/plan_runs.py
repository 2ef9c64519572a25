"""The progress of the operation that executes a plan, and its end."""

from dataclasses import dataclass
from datetime import datetime

from catalog.catalog import Catalog
from messages.operation_reasons import EndReason
from store.db.pool import Pool, connection, transaction
from store.db.sql import fetch_row
from store.operations import children, operations
from store.operations.operation_row import OperationRow
from store.write import outbox
from store.write.tenant_lock import lock


@dataclass(frozen=True, slots=True)
class PlanRun:
    """The status of an operation that executes a plan.

    ``operation``: its row; None: it has ended. ``to_request``: whether requests for children are still to be sent.
    ``unconfirmed``: how many children were requested and their facts have not arrived. ``newer``: whether the
    outbox has rows for it that were written meanwhile. ``now``: the database's clock.
    """

    now: datetime
    operation: OperationRow | None = None
    to_request: bool = False
    unconfirmed: int = 0
    newer: bool = False


async def look(pool: Pool, catalog: Catalog, tenant: str, about: str, operation: str) -> PlanRun:
    """Settles the children of an operation, and ends it once nothing is to be requested or confirmed any more.

    ``about``: its kind, which is part of its workflow's address.
    """
    async with connection(pool) as conn:  # before the tenant is locked: children may be many
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        if row is not None and row.state == "running":
            await children.settle(conn, catalog, tenant, row)
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        if row is not None and row.state == "running":
            left = await children.left(conn, tenant, operation)
            unrequested = await children.count_unrequested(conn, tenant, operation)
            if row.cancelled_at is not None:
                reason = EndReason("stopped_midway", {"unconfirmed": left.unconfirmed, "remaining": unrequested})
                await operations.end(conn, row, "cancelled", reason, revision=locked.revision)
            elif unrequested or left.unconfirmed:
                await children.note_missing_facts(conn, tenant, operation, left, locked.now)
                row = await fetch_row(
                    conn, OperationRow, "continue_operation", tenant=tenant, id=operation, remaining=0
                )
                return PlanRun(locked.now, row, unrequested > 0, left.unconfirmed)
            elif left.parked:
                reason = EndReason("children_parked", {"parked": left.parked})
                await operations.end(conn, row, "incomplete", reason, revision=locked.revision)
            else:
                await operations.end(conn, row, "done", revision=locked.revision)
        newer = await outbox.forget(conn, tenant, "plan", about, operation)
    return PlanRun(locked.now, newer=newer)
