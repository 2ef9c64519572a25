"""Moves of a child to another parent, one after the other.

The child's owner decides: once the target is live it is sent a request, which holds only while the child is in the
parent that we know, and the fact that follows from it confirms the operation. Until the request is sent a later move
supersedes an earlier one; after that it queues.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.relationship import Relationship
from errors import Conflict
from facts.validation import check_text
from messages.operation_reasons import EndReason
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import execute, fetch_row
from store.operations import operations
from store.operations.operation_row import OperationRow
from store.operations.operations import Impossible, NewOperation, entity_reason
from store.operations.start_requests import start_request
from store.write import outbox
from store.write.aliases import survivors_of
from store.write.entity_state import FoldedEntity, fetch_entities
from store.write.tenant_lock import lock


@dataclass(frozen=True, slots=True)
class MoveStatus:
    """What the moves of one child do or wait for. ``operation``: the one under way; None: there is none.

    ``requested``: the request is to be sent to the child's owner, or was. Otherwise ``missing``, the child or the
    target as "kind key", is waited for. ``newer``: there are outbox rows newer than this status. ``now``: the
    database's clock.
    """

    now: datetime
    operation: OperationRow | None = None
    requested: bool = False
    missing: str = ""
    newer: bool = False


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """What the owner of a child is to be sent: move it to ``target``, if it still is in ``expected_parent``.

    ``renewals``: how often the request was renewed; each renewal is another request.
    """

    child: FoldedEntity
    target: str
    expected_parent: str | None
    renewals: int = 0

    @property
    def renewal(self) -> tuple[int, ...]:
        """What distinguishes its Idempotency-Key from those of the requests before; empty for the first."""
        return (self.renewals,) if self.renewals else ()


async def start(
    pool: Pool,
    tenant: str,
    relationship: Relationship,
    *,
    child: str,
    to: str,
    actor: str,
    idempotency_key: str | None,
) -> OperationRow:
    """Starts a move of ``child`` to the parent ``to``, or finds the one that the Idempotency-Key stands for.

    Raises Conflict if the relationship declares no command for it, and KeyReused.
    """
    check_text((child, to, idempotency_key))
    if relationship.many:
        raise Conflict(
            f"a {relationship.child} has many parents in {relationship.name}: make a plan that names the former one"
        )
    if relationship.move is None:
        raise Conflict(
            f"{relationship.name} declares no command that moves a {relationship.child}; declare move=…, or move it "
            f"at its owner. An explicit link, POST …/links, lasts until a later fact of the owner"
        )
    async with start_request(pool, tenant, actor, idempotency_key, ("move", relationship.name, child, to)) as request:
        if request.earlier is not None:
            return request.earlier
        child = await request.survivor(relationship.child, child)
        to = await request.survivor(relationship.parent, to)
        return await request.start(
            NewOperation(
                kind="move",
                workflow="move",
                about=relationship.name,
                key=child,
                timeout=relationship.on_missing.deadline,
                relationship=relationship.name,
                parent=to,
                child=child,
            )
        )


async def advance(pool: Pool, tenant: str, relationship: Relationship, child: str) -> MoveStatus:
    """Ends the moves of a child that can be ended, and returns the status of the oldest that is left.

    The database's clock decides which have expired.
    """
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        rows = await operations.open_operations(conn, tenant, "move", relationship.name, child)
        (moved,) = await fetch_entities(conn, tenant, [(relationship.child, child)])
        step = _MoveStep(conn, relationship, moved, locked.revision, locked.now)
        requested = [row for row in rows if row.state == "requested" and not await step.ends(row)]
        waiting = await step.newest([row for row in rows if row.state == "waiting"])
        if requested:
            return MoveStatus(locked.now, requested[0], requested=True)
        if waiting is not None:
            status = await step.begins(waiting)
            if status is not None:
                return status
        newer = await outbox.forget(conn, tenant, "move", relationship.name, child)
    return MoveStatus(locked.now, newer=newer)


async def pending_request(pool: Pool, tenant: str, relationship: Relationship, operation: str) -> MoveRequest | None:
    """The request to send for an operation; None if there is nothing left to send.

    Raises Impossible if the target or the child was deleted since, also if the child exists again.
    """
    async with connection(pool) as conn:
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        if row is None or row.state != "requested" or row.confirmed_by is not None:
            return None
        (child,) = await fetch_entities(conn, tenant, [(relationship.child, row.child or "")])
        target = await _find_target(conn, relationship, row)
    if target.state == "deleted":
        raise Impossible(entity_reason("entity_deleted", target))
    if _ended_since_request(child, row):
        raise Impossible(_reason_of_end(child))
    return MoveRequest(child, target.key, row.former_parent, row.renewals)


async def renew(
    pool: Pool, tenant: str, relationship: Relationship, operation: str, sent: MoveRequest, *, outdated: bool
) -> None:
    """Renews the request of a move that the child's owner contradicted: with the parent that is known now, under
    another Idempotency-Key. So a move is the same whether the fact that names the parent came before its request or
    after it.

    ``sent``: the request that the owner contradicted, and that had no effect. ``outdated``: the owner said that the
    child is in another parent; otherwise the request is renewed only if another one is known by now.
    """
    async with transaction(pool) as conn:
        await lock(conn, tenant)
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        if row is None or row.state != "requested" or row.renewals != sent.renewals:
            return
        (child,) = await fetch_entities(conn, tenant, [(relationship.child, row.child or "")])
        parent = child.parent(relationship)
        if outdated or parent != row.former_parent:
            await execute(conn, "renew_request", tenant=tenant, id=operation, former_parent=parent)


async def refuse(pool: Pool, tenant: str, operation: str, reason: EndReason, last_error: str = "") -> None:
    """Ends a move that was refused. ``last_error``: the owner's reply.

    The owner may still move the child if an earlier attempt had no answer.
    """
    async with transaction(pool) as conn:
        await lock(conn, tenant)
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        if row is not None and row.state == "requested" and row.confirmed_by is None:
            await operations.end(
                conn, row, "refused", reason, last_error=last_error, owner_may_still_act=row.unanswered_attempt
            )


async def _find_target(conn: Connection, relationship: Relationship, row: OperationRow) -> FoldedEntity:
    """The parent that a move leads to: since it was requested, its target may have been merged into another one."""
    target = relationship.parent, row.parent or ""
    survivor = (await survivors_of(conn, row.tenant, [target])).get(target, target[1])
    (found,) = await fetch_entities(conn, row.tenant, [(relationship.parent, survivor)])
    return found


def _ended_since_request(child: FoldedEntity, row: OperationRow) -> bool:
    """Whether the child was deleted since the request was first sent; it may have been created again."""
    return child.state == "deleted" or (row.requested_after is not None and child.ended > row.requested_after)


def _reason_of_end(child: FoldedEntity) -> EndReason:
    """Why the move of a child that was deleted since its request is refused."""
    return entity_reason("entity_deleted" if child.state == "deleted" else "entity_recreated", child)


@dataclass(frozen=True, slots=True)
class _MoveStep:
    """Advances one child's moves, in a transaction that holds the lock of the tenant's revision."""

    conn: Connection
    relationship: Relationship
    child: FoldedEntity
    revision: int
    now: datetime

    async def ends(self, row: OperationRow) -> bool:
        """Ends a move whose request was sent, if it is over. Returns whether it is."""
        child = self.child
        if row.confirmed_by is not None:
            await operations.end(self.conn, row, "done", revision=row.revision)
        elif child.parent(self.relationship) in (row.parent, (await self._target(row)).key):
            await operations.end(self.conn, row, "done", revision=self.revision)
        elif row.cancelled_at is not None:
            await operations.end(self.conn, row, "cancelled", owner_may_still_act=True)
        elif _ended_since_request(child, row):
            await operations.end(self.conn, row, "refused", _reason_of_end(child))
        elif row.expired(self.now):
            reason = EndReason("not_confirmed")
            await operations.end(self.conn, row, "expired", reason, last_error=row.last_error, owner_may_still_act=True)
        else:
            return False
        return True

    async def _target(self, row: OperationRow) -> FoldedEntity:
        return await _find_target(self.conn, self.relationship, row)

    async def newest(self, rows: Sequence[OperationRow]) -> OperationRow | None:
        """The move that was requested last, of those whose request was not sent; the others are superseded."""
        left = []
        for row in rows:
            if row.cancelled_at is not None:
                await operations.end(self.conn, row, "cancelled")
            else:
                left.append(row)
        for row in left[:-1]:
            await operations.end(self.conn, row, "superseded", EndReason("superseded", {"operation": left[-1].id}))
        return left[-1] if left else None

    async def begins(self, row: OperationRow) -> MoveStatus | None:
        """Marks a move as requested once both sides are live; None if it is over."""
        target = await self._target(row)
        for side in (self.child, target):
            if side.state == "deleted":
                await operations.end(self.conn, row, "refused", entity_reason("entity_deleted", side))
                return None
        if self.child.parent(self.relationship) in (row.parent, target.key) and target.state == "live":
            await operations.end(self.conn, row, "done", revision=self.revision)
            return None
        missing = next((side for side in (self.child, target) if side.state != "live"), None)
        if missing is not None and row.expired(self.now):
            await operations.end(self.conn, row, "expired", entity_reason("entity_missing", missing))
            return None
        if missing is not None:
            return MoveStatus(self.now, row, missing=f"{missing.kind} {missing.key}")
        requested = await fetch_row(
            self.conn,
            OperationRow,
            "mark_requested",
            tenant=row.tenant,
            id=row.id,
            former_parent=self.child.parent(self.relationship),
            requested_after=self.child.latest,
        )
        return MoveStatus(self.now, requested, requested=True)
