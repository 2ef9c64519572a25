"""Open operations that need a declaration which is missing from the catalog.

They stay until it is declared again, they expire or they are cancelled. A worker of another release may have it.
"""

from dataclasses import dataclass
from datetime import datetime

from messages.operation_reasons import EndReason
from store.db.pool import Pool, connection, transaction
from store.operations import operations, stuck
from store.operations.operation_row import OperationRow, OperationWorkflow
from store.write import outbox
from store.write.tenant_lock import lock


@dataclass(frozen=True, slots=True)
class HeldOperation:
    """The oldest operation that is still open; None: there is none. ``newer``: there are outbox rows newer than this.
    ``now``: the database's clock."""

    now: datetime
    operation: OperationRow | None = None
    newer: bool = False


async def hold(
    pool: Pool, tenant: str, workflow: OperationWorkflow, about: str, key: str, declaration: str
) -> HeldOperation:
    """Marks the open operations of a workflow as stuck, and ends those that are cancelled or expired.

    ``declaration``: what is missing, such as "a command that deletes a team".
    """
    reason = EndReason("not_declared", {"declaration": declaration})
    left = []
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        for row in await operations.open_operations(conn, tenant, workflow, about, key):
            if row.cancelled_at is not None:
                await operations.end(conn, row, "cancelled", reason)
            elif row.expired(locked.now):
                await operations.end(conn, row, "expired", reason)
            else:
                await stuck.not_declared(conn, tenant, row.id, declaration)
                left.append(row)
        if left:
            return HeldOperation(locked.now, left[0])
        newer = await outbox.forget(conn, tenant, workflow, about, key)
    return HeldOperation(locked.now, newer=newer)


async def postpone(pool: Pool, tenant: str, operation: str, declaration: str) -> None:
    """Marks one operation as stuck, because its request cannot be built."""
    async with connection(pool) as conn:
        await stuck.not_declared(conn, tenant, operation, declaration)
