"""Records why an open operation is stuck, and that it no longer is.

Each function is idempotent, and changes nothing if the operation has ended meanwhile.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson

from messages.operation_reasons import ReasonDetails, StuckCause
from store.db.pool import Connection, Pool, connection
from store.db.sql import execute, fetch_value
from store.operations.operation_row import OPEN, OperationState

LONGEST = 1000
"""Characters of an owner's message that are kept."""


async def owner_failed(
    pool: Pool,
    tenant: str,
    operation: str,
    error: str,
    *,
    relationship: str | None = None,
    states: Sequence[OperationState] = OPEN,
) -> None:
    """Records that a request to an owner failed.

    ``error``: the message of the owner or of the connection. ``relationship``: of the children for which the request
    was; None: it was the operation's own request, which from now on counts as unanswered. ``states``: of operations to
    which this applies; others stay as they are.
    """
    async with connection(pool) as conn:
        await _mark(
            conn,
            tenant,
            operation,
            "owner_error",
            last_error=error,
            relationship=relationship,
            unanswered=relationship is None,
            states=states,
        )


async def owner_contradicted(
    pool: Pool, tenant: str, operation: str, error: str, *, states: Sequence[OperationState] = OPEN
) -> int:
    """Records that the owner answered the operation's own request with a contradiction, which has no effect.

    Returns how often it has; 0 if the operation is not in one of the ``states``, and nothing is left to request.
    """
    async with connection(pool) as conn:
        count: int | None = await fetch_value(
            conn, "count_contradiction", tenant=tenant, id=operation, last_error=error[:LONGEST], states=list(states)
        )
    return count or 0


async def owner_accepted(pool: Pool, tenant: str, operation: str, *, states: Sequence[OperationState] = OPEN) -> None:
    """Records that the owner accepted the operation's own request: the operation is no longer stuck."""
    async with connection(pool) as conn:
        await execute(conn, "mark_accepted", tenant=tenant, id=operation, states=list(states))


async def owner_recovered(pool: Pool, tenant: str, operation: str, relationship: str) -> None:
    """Records that the owner of the children of a relationship accepts requests again."""
    async with connection(pool) as conn:
        await _clear(conn, tenant, operation, "owner_error", relationship)


async def facts_missing(
    conn: Connection, tenant: str, operation: str, unconfirmed: int, since: datetime, last_error: str
) -> None:
    """Records that facts of requested children have not arrived for a while.

    ``unconfirmed``: how many children were requested, the first of them at ``since``. ``last_error``: what the owner
    replied for one of them.
    """
    details = ReasonDetails(unconfirmed=unconfirmed, since=since.astimezone(UTC).isoformat())
    await _mark(conn, tenant, operation, "silence", last_error=last_error, details=details, states=("running",))


async def facts_arrived(conn: Connection, tenant: str, operation: str) -> None:
    """Records that facts of children are no longer missing."""
    await _clear(conn, tenant, operation, "silence")


async def not_declared(conn: Connection, tenant: str, operation: str, declaration: str) -> None:
    """Records that a declaration is missing, such as "a command that deletes a team"."""
    await _mark(conn, tenant, operation, "not_declared", details=ReasonDetails(declaration=declaration))


async def declared_again(pool: Pool, tenant: str, operation: str) -> None:
    """Records that all declarations that the operation needs are there again."""
    async with connection(pool) as conn:
        await _clear(conn, tenant, operation, "not_declared")


async def _mark(
    conn: Connection,
    tenant: str,
    operation: str,
    cause: StuckCause,
    *,
    last_error: str = "",
    relationship: str | None = None,
    details: ReasonDetails | None = None,
    unanswered: bool = False,
    states: Sequence[OperationState] = OPEN,
) -> None:
    await execute(
        conn,
        "mark_stuck",
        tenant=tenant,
        id=operation,
        cause=cause,
        relationship=relationship,
        details=None if details is None else orjson.dumps(details).decode(),
        last_error=last_error[:LONGEST],
        unanswered=unanswered,
        states=list(states),
    )


async def _clear(
    conn: Connection, tenant: str, operation: str, cause: StuckCause, relationship: str | None = None
) -> None:
    await execute(
        conn,
        "clear_stuck",
        tenant=tenant,
        id=operation,
        cause=cause,
        relationship=relationship,
        states=list(OPEN),
    )
