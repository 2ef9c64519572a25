"""Orphaned operations: open ones that need a declaration which the catalog does not have.

They stay until it is declared again, they expire or they are cancelled. A worker of another release may have it.
"""

from datetime import datetime

from messages.operation_reasons import EndReason
from store.db.pool import Pool, connection, transaction
from store.operations import operations, stuck
from store.operations.operation_row import OperationRow, OperationWorkflow
from store.write import outbox
from store.write.tenant_lock import lock


async def hold(
    pool: Pool, tenant: str, workflow: OperationWorkflow, about: str, key: str, declaration: str, now: datetime
) -> tuple[OperationRow | None, bool]:
    """Marks the open operations of a workflow as stuck, and ends those that are cancelled or expired.

    ``declaration``: what is missing, such as "a command that deletes a team". Returns the oldest that is
    still open, or None, and whether there are outbox rows newer than what was read.
    """
    reason = EndReason("not_declared", {"declaration": declaration})
    left = []
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        for row in await operations.open_operations(conn, tenant, workflow, about, key):
            if row.cancelled_at is not None:
                await operations.end(conn, row, "cancelled", reason)
            elif row.expired(now):
                await operations.end(conn, row, "expired", reason)
            else:
                await stuck.not_declared(conn, tenant, row.id, declaration)
                left.append(row)
        if left:
            return left[0], False
        return None, await outbox.forget(conn, tenant, workflow, about, key, revision)


async def postpone(pool: Pool, tenant: str, operation: str, declaration: str) -> None:
    """Marks one operation as stuck, because its request cannot be built."""
    async with connection(pool) as conn:
        await stuck.not_declared(conn, tenant, operation, declaration)
