"""Plans: previews of deletions, moves and detachments, each bound to a revision, and their execution.

The set of children that a plan names follows from its revision alone, as links keep their versions. So the set is not
stored until the plan is executed.
"""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

import orjson

from catalog.catalog import Catalog
from errors import Conflict, PlanOutdated, Unknown
from facts.validation import check_text
from messages.operation_reasons import EndReason
from store.db.pool import Connection, Pool, connection
from store.db.snapshot import Snapshot, snapshot
from store.db.sql import bind, fetch_row
from store.operations import deletions
from store.operations.operation_row import OperationRow
from store.operations.operations import NewOperation
from store.operations.plan_scope import (
    SAMPLE,
    PlanKind,
    PlanRequest,
    ScopeChange,
    ScopePart,
    at_survivors,
    changes,
    count_deleted,
    digest,
    link_parameters,
    part,
    scope,
)
from store.operations.restrictions import restrictions
from store.operations.start_requests import StartRequest, start_request
from store.write.entity_state import fetch_entities

__all__ = ["PlanRequest", "ScopeChange", "ScopePart", "StoredPlan", "create", "execute", "find"]


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A row of ``plans``. ``hash``: SHA-256 in hex of the exact set, the request and the revision; ``restricted``: the
    reasons why the deletion cannot be executed; ``deleted``: of a deletion, how many entities it would delete with its
    own (None: planned by an earlier version); ``appeared`` and ``vanished``: the changes since then."""

    id: str
    kind: PlanKind
    request: PlanRequest
    revision: int
    hash: str
    created: datetime
    actor: str
    operation: str | None
    parts: list[ScopePart]
    restricted: list[EndReason | str]
    """A str is a sentence that an earlier version stored."""
    deleted: int | None = None
    appeared: list[ScopeChange] = field(default_factory=list)
    vanished: list[ScopeChange] = field(default_factory=list)


class _PlanRow(NamedTuple):
    """``request`` and ``report`` are JSON: a PlanRequest; its parts, restrictions, and incarnation of the entity."""

    id: str
    kind: PlanKind
    request: dict[str, Any]
    revision: int
    hash: str
    report: dict[str, Any]
    actor: str
    created_at: datetime
    operation: str | None


async def create(pool: Pool, catalog: Catalog, tenant: str, request: PlanRequest, actor: str) -> StoredPlan:
    """Makes and stores a plan as of the current revision.

    ``actor``: name of the caller's key. Raises Unknown if an entity, kind, relationship or child is not known, Conflict
    if no command is declared for the request, or its entity is deleted.
    """
    check_text((request.key, request.parent, request.to, request.children))
    _check(catalog, request)
    async with snapshot(pool, tenant) as at:
        request = await at_survivors(at, catalog, request)
        incarnation = await _check_entity(at.conn, catalog, tenant, request)
        rows = await scope(at.conn, catalog, tenant, request, at.revision)
        await _check_children(at.conn, tenant, request)
        why: dict[str, EndReason] = {}
        deleted = None
        if request.kind == "delete" and request.entity_kind is not None and request.key is not None:
            why = await restrictions(at.conn, catalog, tenant, request.entity_kind, [request.key])
            deleted = await count_deleted(at.conn, catalog, tenant, request, at.revision)
        revision, now = at.revision, at.now
    parts = [part(catalog, request, row) for row in rows]
    plan = StoredPlan(
        id=uuid4().hex,
        kind=request.kind,
        request=request,
        revision=revision,
        hash=digest(tenant, request, revision, rows),
        created=now,
        actor=actor,
        operation=None,
        parts=parts,
        restricted=[*why.values()],
        deleted=deleted,
    )
    report = {
        "parts": [asdict(part) for part in parts],
        "restricted": [reason._asdict() for reason in why.values()],
        "deleted": deleted,
        "incarnation": incarnation,
    }
    async with connection(pool) as conn:
        await conn.execute(
            *bind(
                "add_plan",
                tenant=tenant,
                id=plan.id,
                kind=plan.kind,
                request=orjson.dumps(asdict(request)).decode(),
                revision=revision,
                hash=plan.hash,
                report=orjson.dumps(report).decode(),
                actor=actor,
                created_at=plan.created,
            )
        )
    return plan


async def find(pool: Pool, catalog: Catalog, tenant: str, id: str) -> StoredPlan:
    """A plan, with the changes of its set since it was made, unless it was executed. Raises Unknown."""
    async with snapshot(pool, tenant) as at:
        return await _found(at, catalog, id)


async def _found(at: Snapshot, catalog: Catalog, id: str) -> StoredPlan:
    row = await fetch_row(at.conn, _PlanRow, "plan", tenant=at.tenant, id=id)
    if row is None:
        raise Unknown(f"no plan {id!r}, or it is of a revision before the horizon: make a new one")
    plan = _plan(row)
    if plan.operation is not None:
        return plan
    appeared, vanished = await changes(at.conn, catalog, at.tenant, plan.request, plan.revision, at.revision)
    return replace(plan, appeared=appeared, vanished=vanished)


async def execute(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    id: str,
    *,
    include_appeared: bool,
    actor: str,
    idempotency_key: str | None,
) -> OperationRow:
    """Starts the operation that executes a plan: on exactly the children that it names.

    A child that has left its parent since is skipped. A move or detachment ignores children that were added since; a
    deletion is refused if there are some, unless ``include_appeared``. ``actor``: name of the caller's key.
    Raises Unknown, Conflict, Restricted, PlanOutdated, and KeyReused if the key was used for another request.
    """
    check_text((id, idempotency_key))
    # Before the tenant is locked, since sets may be large. A child that comes in between counts as coming later.
    async with snapshot(pool, tenant) as at:
        plan = await _found(at, catalog, id)
        _check(catalog, plan.request)
        rows = await scope(at.conn, catalog, tenant, plan.request, plan.revision)
        if plan.operation is None and digest(tenant, plan.request, plan.revision, rows) != plan.hash:
            raise PlanOutdated(f"the set of plan {id} can no longer be read as of its revision; make a new plan")
    body = ("execute", id, include_appeared)
    async with start_request(pool, tenant, actor, idempotency_key, body) as start:
        if start.earlier is not None:
            return start.earlier
        row = await fetch_row(start.conn, _PlanRow, "plan", tenant=tenant, id=id)
        if row is None or row.operation is not None:
            raise Conflict(f"plan {id} was already executed, by operation {row and row.operation}; make a new plan")
        incarnation = await _check_entity(start.conn, catalog, tenant, plan.request)
        if incarnation != row.report.get("incarnation", incarnation):  # plans of earlier versions may not say
            kind, key = _entity(catalog, plan.request) or ("", "")
            raise PlanOutdated(f"{kind} {key!r} was deleted and recreated since plan {id} was made; make a new plan")
        if plan.kind == "delete":
            operation = await _delete(start, catalog, plan, include_appeared)
        else:
            operation = await _work_through(start, plan)
        await start.conn.execute(*bind("plan_executed", tenant=tenant, id=id, operation=operation.id))
        return operation


async def _delete(start: StartRequest, catalog: Catalog, plan: StoredPlan, include_appeared: bool) -> OperationRow:
    if plan.appeared and not include_appeared:
        added = ", ".join(f"{c.count} of {c.relationship} ({', '.join(c.sample)})" for c in plan.appeared)
        raise PlanOutdated(
            f"children were added since plan {plan.id} was made: {added}; make a new plan, or include them"
        )
    return await deletions.start_deletion(
        start, catalog, plan.request.entity_kind or "", plan.request.key or "", plan.id
    )


async def _work_through(start: StartRequest, plan: StoredPlan) -> OperationRow:
    id, request = uuid4().hex, plan.request
    await start.start(
        NewOperation(
            id=id,
            kind=plan.kind,
            workflow="plan",
            about=plan.kind,
            key=id,
            relationship=request.relationship,
            parent=request.to,
            plan=plan.id,
            state="running",
        )
    )
    links = link_parameters(request)
    await start.conn.execute(
        *bind("add_planned_children", tenant=start.tenant, operation=id, revision=plan.revision, **links)
    )
    operation = await fetch_row(start.conn, OperationRow, "operation", tenant=start.tenant, id=id)
    assert operation is not None
    return operation


def _check(catalog: Catalog, request: PlanRequest) -> None:
    """Raises Unknown for a kind or relationship that is not declared, Conflict if no command is."""
    if request.kind == "delete":
        catalog.owner_of(request.entity_kind or "")
        if request.entity_kind not in catalog.contracts.deleting:
            raise Conflict(
                f"no command deletes a {request.entity_kind}; declare one in its owner's contracts with "
                f"deletes={request.entity_kind!r}"
            )
        return
    relationship = catalog.relationship(request.relationship or "")
    command = relationship.move if request.kind == "move" else relationship.detach
    if relationship.many and request.parent is None:
        raise Conflict(f"in {relationship.name} a child has many parents: select children by their parent")
    if command is None:
        raise Conflict(f"{relationship.name} declares no command for a {request.kind}; declare {request.kind}=…")


def _entity(catalog: Catalog, request: PlanRequest) -> tuple[str, str] | None:
    """(kind, key) of the entity to delete, or of the target of a move; None for a detachment."""
    if request.kind == "delete":
        return request.entity_kind or "", request.key or ""
    if request.kind == "move":
        return catalog.relationship(request.relationship or "").parent, request.to or ""
    return None


async def _check_entity(conn: Connection, catalog: Catalog, tenant: str, request: PlanRequest) -> str | None:
    """The incarnation of the entity to delete, or of the target of a move. Raises Unknown if there is no such entity,
    Conflict if it is deleted."""
    entity = _entity(catalog, request)
    if entity is None:
        return None
    (folded,) = await fetch_entities(conn, tenant, [entity])
    if folded.state == "unknown":
        raise Unknown(f"no {entity[0]} {entity[1]!r} is known")
    if folded.state == "deleted":
        raise Conflict(f"{entity[0]} {entity[1]!r} is deleted")
    return folded.incarnation


async def _check_children(conn: Connection, tenant: str, request: PlanRequest) -> None:
    """Raises Unknown if a listed child has no link."""
    names = [request.relationship] * len(request.children)
    rows = await conn.fetch(
        *bind("linked_children", tenant=tenant, relationships=names, children=list(request.children))
    )
    linked = {row["child"] for row in rows}
    unlinked = sorted(set(request.children) - linked)
    if unlinked:
        sample = ", ".join(map(repr, unlinked[:SAMPLE]))
        raise Unknown(f"{len(unlinked)} of the children have no link in {request.relationship}: {sample}")


def _plan(row: _PlanRow) -> StoredPlan:
    return StoredPlan(
        id=row.id,
        kind=row.kind,
        request=PlanRequest(**{**row.request, "children": tuple(row.request["children"])}),
        revision=row.revision,
        hash=row.hash,
        created=row.created_at,
        actor=row.actor,
        operation=row.operation,
        parts=[ScopePart(**part) for part in row.report["parts"]],
        restricted=[why if isinstance(why, str) else EndReason(**why) for why in row.report["restricted"]],
        deleted=row.report.get("deleted"),
    )
