"""Operations: rows for the work that was requested, each carried out by a workflow, which the outbox notifies."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import orjson

from errors import Conflict, Refused, Unknown
from messages.operation_reasons import EndCode, EndReason, describe_reason
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import execute, fetch_row, fetch_rows, fetch_value
from store.operations.operation_row import OPEN, OperationKind, OperationRow, OperationState, OperationWorkflow
from store.write.entity_state import FoldedEntity
from store.write.tenant_lock import lock


@dataclass(frozen=True, slots=True)
class NewOperation:
    """An operation to insert. ``workflow``, ``about``, ``key``: the workflow that carries it out.

    ``timeout``: how long it waits for what it needs; None: without limit.
    """

    kind: OperationKind
    workflow: OperationWorkflow
    about: str
    key: str
    timeout: timedelta | None = None
    relationship: str | None = None
    parent: str | None = None
    child: str | None = None
    plan: str | None = None
    id: str | None = None
    state: OperationState = "waiting"
    incarnation: str | None = None
    requested_after: bytes | None = None
    cause: str | None = None


class Impossible(Refused):
    """What an operation requests cannot be done any more. ``reason`` is the one with which it ends."""

    def __init__(self, reason: EndReason) -> None:
        self.reason = reason
        super().__init__(describe_reason(reason))


def entity_reason(code: EndCode, entity: FoldedEntity) -> EndReason:
    """The reason why an operation ends or cannot be done that names one entity: the code, with its kind and key."""
    return EndReason(code, {"kind": entity.kind, "key": entity.key})


async def insert(conn: Connection, tenant: str, new: NewOperation, actor: str) -> OperationRow:
    """Inserts an operation, in a transaction that holds the lock of the tenant's revision."""
    row = await fetch_row(
        conn,
        OperationRow,
        "insert_operation",
        tenant=tenant,
        id=new.id or uuid4().hex,
        kind=new.kind,
        workflow=new.workflow,
        about=new.about,
        key=new.key,
        relationship=new.relationship,
        parent=new.parent,
        child=new.child,
        plan=new.plan,
        state=new.state,
        incarnation=new.incarnation,
        actor=actor,
        timeout=new.timeout,
        requested_after=new.requested_after,
        cause=new.cause,
    )
    assert row is not None
    return row


async def notify(conn: Connection, revision: int, row: OperationRow, fact: str, suffix: str = "") -> None:
    """Notifies the workflow of an operation, through the outbox.

    ``fact``: the name of the signal. ``suffix``: what makes this notification another one than that of the start.
    """
    await execute(
        conn,
        "notify_operation",
        tenant=row.tenant,
        revision=revision,
        workflow=row.workflow,
        about=row.about,
        key=row.key,
        id=row.id + suffix,
        fact=fact,
    )


async def find(pool: Pool, tenant: str, id: str) -> OperationRow:
    """One operation. Raises Unknown."""
    async with connection(pool) as conn:
        return await _find(conn, tenant, id)


async def _find(conn: Connection, tenant: str, id: str) -> OperationRow:
    row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=id)
    if row is None:
        raise Unknown(f"no operation {id!r}")
    return row


async def open_operations(
    conn: Connection, tenant: str, workflow: OperationWorkflow, about: str, key: str
) -> list[OperationRow]:
    """The operations that a workflow has to carry out, oldest first."""
    return await fetch_rows(
        conn, OperationRow, "open_operations", tenant=tenant, workflow=workflow, about=about, key=key
    )


async def cancel(pool: Pool, tenant: str, id: str) -> OperationRow:
    """Requests the cancellation of an operation, which its workflow carries out. Returns the operation.

    Raises Unknown, and Conflict if it has ended otherwise.
    """
    async with transaction(pool) as conn:
        revision = (await lock(conn, tenant)).revision
        row = await _find(conn, tenant, id)
        if row.state == "cancelled":
            return row
        if row.state not in OPEN:
            raise Conflict(f"operation {id} has ended already: it is {row.state}")
        row = await fetch_row(conn, OperationRow, "request_cancellation", tenant=tenant, id=id) or row
        await notify(conn, revision, row, "CancellationRequested", "/cancel")
    return row


async def redrive(pool: Pool, tenant: str, id: str) -> OperationRow:
    """Puts the parked children of an operation back to be requested again. Returns the operation.

    Raises Unknown, and Conflict if no child is parked, the operation has ended otherwise than incomplete, or it
    executes a plan whose revision is before the horizon.
    """
    async with transaction(pool) as conn:
        revision = (await lock(conn, tenant)).revision
        row = await _find(conn, tenant, id)
        if row.state not in ("running", "incomplete"):
            raise Conflict(f"operation {id} is {row.state}: nothing of it can be redriven")
        if await fetch_value(conn, "parked_before_the_horizon", tenant=tenant, id=id):
            raise Conflict(
                f"the revision of the plan of operation {id} is before the horizon: whether its children have left "
                "their parents since is not known any more; make a new plan"
            )
        if not await fetch_value(conn, "redrive_children", tenant=tenant, id=id):
            raise Conflict(f"no child of operation {id} is parked")
        row = await fetch_row(conn, OperationRow, "resume_operation", tenant=tenant, id=id) or row
        await notify(conn, revision, row, "RedriveRequested", f"/redrive/{uuid4().hex}")
    return row


async def end(
    conn: Connection,
    row: OperationRow,
    state: OperationState,
    reason: EndReason | None = None,
    *,
    last_error: str = "",
    owner_may_still_act: bool = False,
    revision: int | None = None,
) -> None:
    """Ends an operation.

    ``reason``: why; None: the state is reason enough. ``last_error``: the reply of the owner. ``revision``: the one
    that it made, or at which it ended.
    """
    await execute(
        conn,
        "end_operation",
        tenant=row.tenant,
        id=row.id,
        state=state,
        code=None if reason is None else reason.code,
        details=None if reason is None or not reason.details else orjson.dumps(reason.details).decode(),
        last_error=last_error[:1000],
        owner_may_still_act=owner_may_still_act,
        revision=revision,
    )
