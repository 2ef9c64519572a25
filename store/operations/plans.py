"""Plans: previews of what would be done to many children, each bound to a revision, and their execution.

The set that a plan names is a pure function of its revision, as links keep their versions: nothing of it is copied
until it is executed.
"""

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

import orjson

from catalog.catalog import Catalog
from errors import Conflict, PlanOutdated, Unknown
from facts.validation import check_text
from store.db.pool import Connection, Pool, connection
from store.db.snapshot import Snapshot, snapshot
from store.db.sql import sql
from store.operations import cascades, operations
from store.operations.operations import Begin, Row, Wanted
from store.operations.plan_scope import (
    SAMPLE,
    PlanRequest,
    ScopeChange,
    ScopePart,
    change,
    concerned,
    differences,
    digest,
    part,
)
from store.operations.restrictions import restrictions
from store.write.entity_state import fetch_registers

__all__ = ["PlanRequest", "ScopeChange", "ScopePart", "StoredPlan", "create", "execute", "find"]


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A row of ``plans``. ``hash``: SHA-256 in hex of the exact set, the request and the revision; ``restricted``: one
    sentence per reason why the deletion cannot be executed; ``appeared`` and ``vanished``: the changes since then."""

    id: str
    kind: str
    request: PlanRequest
    revision: int
    hash: str
    created: datetime
    actor: str
    operation: str | None
    parts: list[ScopePart]
    restricted: list[str]
    appeared: list[ScopeChange] = field(default_factory=list)
    vanished: list[ScopeChange] = field(default_factory=list)


async def create(pool: Pool, catalog: Catalog, tenant: str, request: PlanRequest, actor: str) -> StoredPlan:
    """A preview as of now. Raises Unknown, and Conflict if nothing is declared that could carry it out."""
    check_text((request.key, request.parent, request.to, request.children))
    _check(catalog, request)
    async with snapshot(pool, tenant) as at:
        life = await _check_side(at.conn, catalog, tenant, request)
        found = await concerned(at.conn, catalog, tenant, request, at.revision)
        await _check_children(at.conn, tenant, request)
        restricted: list[str] = []
        if request.kind == "delete" and request.entity_kind is not None and request.key is not None:
            why = await restrictions(at.conn, catalog, tenant, request.entity_kind, [request.key])
            restricted = list(why.values())
        revision = at.revision
    parts = [part(catalog, request, row) for row in found]
    plan = StoredPlan(
        id=uuid4().hex,
        kind=request.kind,
        request=request,
        revision=revision,
        hash=digest(tenant, request, revision, found),
        created=datetime.now(UTC),
        actor=actor,
        operation=None,
        parts=parts,
        restricted=restricted,
    )
    report = {"parts": [asdict(part) for part in parts], "restricted": plan.restricted, "life": life}
    async with connection(pool) as conn:
        await conn.execute(
            sql("add_plan"),
            tenant,
            plan.id,
            plan.kind,
            orjson.dumps(asdict(request)).decode(),
            revision,
            plan.hash,
            orjson.dumps(report).decode(),
            actor,
            plan.created,
        )
    return plan


async def find(pool: Pool, catalog: Catalog, tenant: str, id: str) -> StoredPlan:
    """With what has appeared and vanished since, unless it was executed. Raises Unknown."""
    async with snapshot(pool, tenant) as at:
        return await _found(at, catalog, id)


async def _found(at: Snapshot, catalog: Catalog, id: str) -> StoredPlan:
    row = await at.conn.fetchrow(sql("plan"), at.tenant, id)
    if row is None:
        raise Unknown(f"no plan {id!r}")
    plan = _plan(row)
    if plan.operation is not None:
        return plan
    appeared, vanished = await differences(at.conn, catalog, at.tenant, plan.request, plan.revision, at.revision)
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
) -> Row:
    """Begins the operation that does exactly what was planned.

    A child that has left since is spared. For moves and detachments what has come since is left alone; a deletion
    with newcomers is refused unless they are included. Raises Unknown, Conflict, Restricted, PlanOutdated.
    """
    check_text((id, idempotency_key))
    # Before the head is locked: sets may be large. What comes between is late, and treated as what comes after.
    async with snapshot(pool, tenant) as at:
        plan = await _found(at, catalog, id)
        _check(catalog, plan.request)
        parts = await concerned(at.conn, catalog, tenant, plan.request, plan.revision)
        if digest(tenant, plan.request, plan.revision, parts) != plan.hash:
            raise PlanOutdated(f"plan {id} cannot be read as of its revision any more; make a new one")
    asked = ("execute", id, include_appeared)
    async with operations.begun(pool, tenant, actor, idempotency_key, asked) as begin:
        if begin.earlier is not None:
            return begin.earlier
        row = await begin.conn.fetchrow(sql("plan"), tenant, id)
        if row is None or row["operation"] is not None:
            raise Conflict(f"plan {id} was executed already, by operation {row and row['operation']}; make a new one")
        life = await _check_side(begin.conn, catalog, tenant, plan.request)
        if life != row["report"].get("life", life):  # plans made by an earlier version do not say
            kind, key = _side(catalog, plan.request) or ("", "")
            raise PlanOutdated(f"{kind} {key!r} was deleted and created anew since plan {id} was made; make a new one")
        if plan.kind == "delete":
            operation = await _delete(begin, catalog, plan, include_appeared)
        else:
            operation = await _work_through(begin, plan)
        await begin.conn.execute(sql("plan_executed"), tenant, id, operation["id"])
        return operation


async def _delete(begin: Begin, catalog: Catalog, plan: StoredPlan, include_appeared: bool) -> Row:
    if plan.appeared and not include_appeared:
        words = ", ".join(f"{c.count} of {c.relationship} ({', '.join(c.sample)})" for c in plan.appeared)
        raise PlanOutdated(f"since plan {plan.id} was made there are more: {words}; make a new one, or include them")
    return await cascades.begin_deletion(
        begin, catalog, plan.request.entity_kind or "", plan.request.key or "", plan.id
    )


async def _work_through(begin: Begin, plan: StoredPlan) -> Row:
    id, request = uuid4().hex, plan.request
    await begin(
        Wanted(
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
    await begin.conn.execute(sql("add_planned_children"), begin.tenant, *change(request), plan.revision, id)
    return await begin.conn.fetchrow(sql("operation"), begin.tenant, id)


def _check(catalog: Catalog, request: PlanRequest) -> None:
    """Whether the declarations in force can carry it out. Raises Unknown, Conflict."""
    if request.kind == "delete":
        catalog.owner_of(request.entity_kind or "")
        if request.entity_kind not in catalog.contracts.deleting:
            raise Conflict(
                f"no command deletes a {request.entity_kind}; let one in its owner's contracts say "
                f"deletes={request.entity_kind!r}"
            )
        return
    relationship = catalog.relationship(request.relationship or "")
    command = relationship.move if request.kind == "move" else relationship.detach
    if command is None:
        raise Conflict(f"{relationship.name} declares no command for that; declare {request.kind}=…")


def _side(catalog: Catalog, request: PlanRequest) -> tuple[str, str] | None:
    """What is to be deleted, or moved to: (kind, key); None: neither."""
    if request.kind == "delete":
        return request.entity_kind or "", request.key or ""
    if request.kind == "move":
        return catalog.relationship(request.relationship or "").parent, request.to or ""
    return None


async def _check_side(conn: Connection, catalog: Catalog, tenant: str, request: PlanRequest) -> str | None:
    """Which life of it is on, of what is to be deleted or moved to. Raises Unknown, Conflict if none is."""
    side = _side(catalog, request)
    if side is None:
        return None
    (register,) = await fetch_registers(conn, tenant, [side])
    if register.state == "unknown":
        raise Unknown(f"no {side[0]} {side[1]!r} was told of")
    if register.state == "deleted":
        raise Conflict(f"{side[0]} {side[1]!r} is deleted")
    return register.life


async def _check_children(conn: Connection, tenant: str, request: PlanRequest) -> None:
    """Raises Unknown for a child that is named and has no link."""
    names = [request.relationship] * len(request.children)
    linked = {r["child"] for r in await conn.fetch(sql("linked_children"), tenant, names, list(request.children))}
    strangers = sorted(set(request.children) - linked)
    if strangers:
        some = ", ".join(map(repr, strangers[:SAMPLE]))
        raise Unknown(f"{len(strangers)} of the children have no link in {request.relationship}: {some}")


def _plan(row: Row) -> StoredPlan:
    request, report = row["request"], row["report"]
    return StoredPlan(
        id=row["id"],
        kind=row["kind"],
        request=PlanRequest(**{**request, "children": tuple(request["children"])}),
        revision=row["revision"],
        hash=row["hash"],
        created=row["created_at"],
        actor=row["actor"],
        operation=row["operation"],
        parts=[ScopePart(**part) for part in report["parts"]],
        restricted=report["restricted"],
    )
