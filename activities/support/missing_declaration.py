"""Lets operations wait whose declarations are missing from the catalog, for example after a release removed them."""

from datetime import timedelta
from typing import cast

from temporalio.exceptions import ApplicationError

from activities.support.failures import later
from errors import Unavailable
from messages.operation_reasons import describe_missing_declaration, describe_operation
from messages.operations import OperationRequest, OperationStatus, OperationStep
from store.db.pool import Pool
from store.operations import missing_declaration, stuck
from store.operations.operation_row import OperationRow, OperationWorkflow

PAUSE = timedelta(minutes=1)
"""Time between two checks whether the declaration is back."""


async def hold(pool: Pool, look: OperationStep, declaration: str) -> OperationStatus:
    """Lets the operations of a workflow wait for a declaration, and ends those that are cancelled or expired.

    ``declaration``: what is missing, such as "a command that deletes a team".
    """
    at = look.subject
    workflow = cast(OperationWorkflow, at.workflow)
    held = await missing_declaration.hold(pool, at.tenant, workflow, at.about, at.key, declaration)
    row = held.operation
    if row is None:
        return OperationStatus(newer=held.newer, now=held.now)
    return OperationStatus(
        operation=row.id,
        kind=row.kind,
        awaited="its declaration",
        due=held.now + PAUSE,
        reason=describe_missing_declaration(declaration),
        now=held.now,
    )


async def postpone(pool: Pool, request: OperationRequest, declaration: str) -> ApplicationError:
    """Returns the error to raise if a request cannot be built: it is retried, perhaps by a worker that can build it."""
    await missing_declaration.postpone(pool, request.subject.tenant, request.operation, declaration)
    return later(Unavailable(describe_missing_declaration(declaration), retry_after=PAUSE.total_seconds()))


async def reason(pool: Pool, row: OperationRow) -> str:
    """Why an operation is stuck, as a sentence; empty if it is not stuck.

    Called once its declarations are known to be there: an operation that was stuck because one
    was missing is released.
    """
    if row.stuck_cause == "not_declared":
        await stuck.declared_again(pool, row.tenant, row.id)
        return ""
    return describe_operation(row)
