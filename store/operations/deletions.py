"""Deletions that callers request: their start, the request to the owner, and its refusal.

Everything else about them is in cascades.py.
"""

from datetime import timedelta

from catalog.catalog import Catalog
from errors import Conflict, Restricted, Unknown
from facts.validation import check_text
from messages.operation_reasons import EndReason, describe_reason
from store.db.pool import Pool, connection, transaction
from store.db.sql import fetch_row
from store.operations import operations
from store.operations.operation_row import BEFORE_END, OperationRow
from store.operations.operations import Impossible, NewOperation, open_operations
from store.operations.restrictions import restrictions
from store.operations.start_requests import StartRequest, start_request
from store.write.entity_state import FoldedEntity, fetch_entities
from store.write.tenant_lock import lock

TIMEOUT = timedelta(hours=24)
"""How long an owner may take to publish that an entity is deleted, from the request of the caller on."""


async def start(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    kind: str,
    key: str,
    *,
    actor: str,
    idempotency_key: str | None,
) -> OperationRow:
    """Starts a deletion, unless one is under way already. Returns that one, or the one of the Idempotency-Key.

    ``kind`` and ``key``: the entity to delete; ``actor``: name of the caller's key; ``idempotency_key``: None if the
    caller gave none. Raises Unknown; Conflict if the entity is deleted or no command deletes it; Restricted; and
    KeyReused.
    """
    check_text((key, idempotency_key))
    async with start_request(pool, tenant, actor, idempotency_key, ("delete", kind, key)) as request:
        return request.earlier or await start_deletion(request, catalog, kind, key)


async def start_deletion(
    request: StartRequest, catalog: Catalog, kind: str, key: str, plan: str | None = None
) -> OperationRow:
    """Does the same as ``start`` within the transaction of a request. ``plan``: id of the plan that this executes."""
    conn, tenant = request.conn, request.tenant
    if kind not in catalog.contracts.deleting:
        raise Conflict(f"no command deletes a {kind}; declare one in its owner's contracts with deletes={kind!r}")
    key = await request.survivor(kind, key)
    (entity,) = await fetch_entities(conn, tenant, [(kind, key)])
    if entity.state == "unknown":
        raise Unknown(f"no {kind} {key!r} is known, so it cannot be deleted")
    if entity.state == "deleted":
        raise Conflict(f"{kind} {key!r} is deleted already")
    for row in await open_operations(conn, tenant, "cascade", kind, key):
        same = row.requested_after is not None and entity.ended <= row.requested_after
        if row.kind == "delete" and row.cancelled_at is None and same:
            return await request.join(row)
    for reason in (await restrictions(conn, catalog, tenant, kind, [key])).values():
        raise Restricted(describe_reason(reason))
    return await request.start(
        NewOperation(
            kind="delete",
            workflow="cascade",
            about=kind,
            key=key,
            timeout=TIMEOUT,
            plan=plan,
            requested_after=entity.latest,
        )
    )


async def pending_request(
    pool: Pool, catalog: Catalog, tenant: str, kind: str, key: str, operation: str
) -> FoldedEntity | None:
    """The entity that the owner is to be requested to delete; None if there is nothing left to send.

    From now on the operation counts as requested. Raises Impossible if children restrict the deletion by now.
    """
    async with connection(pool) as conn:  # before the tenant's revision is locked: children may be many
        restricted = await restrictions(conn, catalog, tenant, kind, [key])
    async with transaction(pool) as conn:
        await lock(conn, tenant)
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        (entity,) = await fetch_entities(conn, tenant, [(kind, key)])
        if row is None or row.state not in BEFORE_END or row.cancelled_at is not None:
            return None
        if entity.state != "live" or entity.ended > (row.requested_after or b""):
            return None
        for reason in restricted.values():
            raise Impossible(reason)
        if row.state == "waiting":
            await fetch_row(
                conn,
                OperationRow,
                "mark_requested",
                tenant=tenant,
                id=operation,
                former_parent=None,
                requested_after=None,
            )
    return entity


async def refuse(pool: Pool, tenant: str, operation: str, reason: EndReason, last_error: str = "") -> None:
    """Ends a deletion that its owner refused, or that children restrict. ``last_error``: the owner's reply."""
    async with transaction(pool) as conn:
        revision = (await lock(conn, tenant)).revision
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        if row is not None and row.state in BEFORE_END:
            await operations.end(
                conn,
                row,
                "refused",
                reason,
                last_error=last_error,
                owner_may_still_act=reason.code == "restricted" and row.unanswered_attempt,
                revision=revision,
            )
