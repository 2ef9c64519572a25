"""What becomes of the children of an entity that is gone, and of those who wish it gone.

One operation for each end of an entity: the deletion that somebody asked for, or else one that Tether begins by itself
as soon as there are children to see to. It goes on when late ones arrive.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import Relationship
from errors import Conflict, Restricted, Unknown
from facts.correlation import decode_operation
from facts.own_facts import derived_id
from facts.validation import check_text
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import sql
from store.operations import candidates, children, operations
from store.operations.operations import Begin, Row, Wanted
from store.operations.restrictions import restrictions
from store.write.entity_state import Register, fetch_registers
from store.write.settle import lock

PATIENCE = timedelta(hours=24)
"""How long an owner may take to tell that what it was asked to delete is deleted."""

_PROMISE = "the owner had been asked already: if it deletes it, its children are left"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the end of an entity stands. ``operation``: what is under way; None: nothing.

    ``todo``: relationships with children that are to be asked for. ``outstanding``: children asked for, whose facts
    have not come. ``newer``: there is more to look at.
    """

    operation: Row | None = None
    todo: tuple[str, ...] = ()
    outstanding: int = 0
    newer: bool = False


async def start(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    kind: str,
    key: str,
    *,
    actor: str,
    idempotency_key: str | None,
) -> Row:
    """Records a deletion that somebody asks for, unless one is under way already.

    Raises Unknown, and Conflict if it is deleted, nothing is declared that deletes it, children restrict it, or the
    idempotency key was another request's.
    """
    check_text((key, idempotency_key))
    async with operations.begun(pool, tenant, actor, idempotency_key, ("delete", kind, key)) as begin:
        return begin.earlier or await begin_deletion(begin, catalog, kind, key)


async def begin_deletion(begin: Begin, catalog: Catalog, kind: str, key: str, plan: str | None = None) -> Row:
    """Within a transaction that holds the tenant's head. Raises what ``start`` raises."""
    conn, tenant = begin.conn, begin.tenant
    if kind not in catalog.contracts.deleting:
        raise Conflict(f"no command deletes a {kind}; let one in its owner's contracts say deletes={kind!r}")
    (entity,) = await fetch_registers(conn, tenant, [(kind, key)])
    if entity.state == "unknown":
        raise Unknown(f"no {kind} {key!r} was told of, so it cannot be deleted")
    if entity.state == "deleted":
        raise Conflict(f"{kind} {key!r} is deleted already")
    for row in await conn.fetch(sql("open_operations"), tenant, "cascade", kind, key):
        of_this_life = row["requested_after"] is not None and entity.ended <= row["requested_after"]
        if row["kind"] == "delete" and row["cancelled_at"] is None and of_this_life:
            return await begin.joins(row)
    for reason in (await restrictions(conn, catalog, tenant, kind, [key])).values():
        raise Restricted(reason)
    return await begin(
        Wanted(
            kind="delete",
            workflow="cascade",
            about=kind,
            key=key,
            wait=PATIENCE,
            plan=plan,
            requested_after=entity.latest,
        )
    )


async def look(pool: Pool, catalog: Catalog, tenant: str, kind: str, key: str, now: datetime) -> Standing:
    """Ends what can be ended, and says what is to be done. ``now`` decides which have expired."""
    place = (tenant, "cascade", kind, key)
    async with connection(pool) as conn:  # before the head is locked: children may be many
        operation = ""
        for row in await conn.fetch(sql("open_operations"), *place):
            if row["state"] == "running":
                operation = row["id"]
                await children.settle(conn, catalog, tenant, row, now)
        relationships = catalog.sweeping.get(kind, ())
        counted = await candidates.count(conn, tenant, operation, key, relationships, limit=candidates.COUNTED)
        lacking, pending = (sum(count[n] for count in counted.values()) for n in (0, 1))
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        (entity,) = await fetch_registers(conn, tenant, [(kind, key)])
        step = _Step(conn, catalog, tenant, entity, revision, now)
        rows = await conn.fetch(sql("open_operations"), *place)
        for row in rows:
            if row["state"] != "running":
                if entity.state != "deleted" and not await step.gives_up(row):
                    return Standing(row)
            elif entity.state != "deleted" or row["incarnation"] != entity.life:
                await children.skip_open(conn, tenant, row["id"])
                await step.end(row, "done", f"the {kind} was created anew: what was left of it is spared")
        if entity.state == "deleted":
            standing = await step.sweeps([row for row in rows if row["state"] != "running"], lacking, pending)
            if standing is not None:
                return standing
        newer = await conn.fetchval(sql("forget_outbox_rows"), *place, revision)
    return Standing(newer=bool(newer))


async def asking(pool: Pool, catalog: Catalog, tenant: str, kind: str, key: str, operation: str) -> Register | None:
    """The entity that its owner is to be asked to delete for this operation; None: it is not any more.

    From now on the operation counts as asked. Raises Restricted if children that restrict it have come since.
    """
    async with connection(pool) as conn:  # before the head is locked: children may be many
        why = await restrictions(conn, catalog, tenant, kind, [key])
    async with transaction(pool) as conn:
        await lock(conn, tenant)
        row = await conn.fetchrow(sql("operation"), tenant, operation)
        (entity,) = await fetch_registers(conn, tenant, [(kind, key)])
        if row is None or row["state"] not in ("waiting", "requested") or row["cancelled_at"] is not None:
            return None
        if entity.state != "live" or entity.ended > row["requested_after"]:
            return None
        for reason in why.values():
            may_still = "; its owner had been asked already, and may still delete it" if row["reason"] else ""
            raise Restricted(reason + may_still)
        if row["state"] == "waiting":
            await conn.fetchrow(sql("ask_operation"), tenant, operation, None, None)
    return entity


async def refuse(pool: Pool, tenant: str, operation: str, reason: str) -> None:
    """It is not to be deleted, for its owner does not want to, or a child restricts it: nothing has changed."""
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        row = await conn.fetchrow(sql("operation"), tenant, operation)
        if row is not None and row["state"] in ("waiting", "requested"):
            await operations.end(conn, tenant, row, "refused", reason[:1000], revision)


@dataclass(frozen=True, slots=True)
class _Step:
    conn: Connection
    catalog: Catalog
    tenant: str
    entity: Register
    revision: int
    now: datetime

    @property
    def relationships(self) -> tuple[Relationship, ...]:
        return self.catalog.sweeping.get(self.entity.kind, ())

    async def gives_up(self, row: Row) -> bool:
        """Whether a deletion is over before the entity is gone."""
        if self.entity.ended > row["requested_after"]:
            await self.end(row, "done", f"the {self.entity.kind} was created anew since")
        elif row["cancelled_at"] is not None:
            # An attempt that failed is no such thing: if it is deleted all the same, that is another's doing.
            promised = row["requested_at"] is not None and not row["reason"]
            await self.end(row, "cancelled", _PROMISE if promised else "")
        elif row["due"] <= self.now:
            fact = self.catalog.contracts.deleted_fact(self.entity.kind)
            await self.end(row, "expired", row["reason"] or f"{fact} was not told in time")
        else:
            return False
        return True

    async def sweeps(self, wished: list[Row], lacking: int, pending: int) -> Standing | None:
        """The cascade of a tombstone; None: nothing is left of it. Of its children ``lacking`` were not asked for when
        it was looked last, and ``pending`` of them were not even come to."""
        row = await self._bound(wished)
        id = row["id"] if row is not None else self._own_id
        some = await candidates.count(self.conn, self.tenant, id, self.entity.key, self.relationships, limit=1)
        todo = tuple(name for name, (children, _) in some.items() if children)
        if row is None and todo:
            row = await self._begin()
        if row is None or row["state"] == "cancelled":
            return None
        left = await children.left(self.conn, self.tenant, row["id"])
        if not todo and not left.outstanding:  # what came since it was looked last, too
            await children.settle(self.conn, self.catalog, self.tenant, row, self.now)
            left = await children.left(self.conn, self.tenant, row["id"])
        if row["cancelled_at"] is not None:
            await self.end(row, "cancelled", f"{left.outstanding} more were asked for, {lacking} were not")
            return None
        if todo or left.outstanding:
            await children.note_silence(self.conn, self.tenant, row["id"], left, self.now)
            row = await self.conn.fetchrow(sql("sweep_on"), self.tenant, row["id"], pending)
            return Standing(row, todo, left.outstanding)
        if row["state"] == "running" or (row["state"] == "incomplete" and not left.parked):  # its owner has since
            parked = f"children parked: {left.parked}" if left.parked else ""
            await self.end(row, "incomplete" if left.parked else "done", parked)
        return None

    async def _bound(self, wished: list[Row]) -> Row | None:
        """The operation of this end: one that has it already, or one that wished for it; None: nobody did."""
        life = self.entity.life
        place = (self.tenant, "cascade", self.entity.kind, self.entity.key)
        bound: Row | None = await self.conn.fetchrow(sql("operation_of_life"), *place, life)
        for row in wished:
            if row["cancelled_at"] is not None:
                await self.end(row, "cancelled", "it had come about already; its children are left")
            elif bound is None:
                bound = await self.conn.fetchrow(sql("bind_operation"), self.tenant, row["id"], life)
            else:
                await self.end(row, "done", f"by operation {bound['id']}")
        return bound or await self.conn.fetchrow(sql("bind_cancelled"), *place, life, self.entity.ended, _PROMISE)

    @property
    def _own_id(self) -> str:
        return derived_id("cascade", self.entity.kind, self.entity.key, self.entity.life)

    async def _begin(self) -> Row:
        """Tether's own: an owner deleted what has children, for reasons of its own or because an operation asked it."""
        at = self.entity.kind, self.entity.key, self.entity.ended
        fact = await self.conn.fetchrow(sql("fact_by_order"), self.tenant, *at)
        wanted = Wanted(
            id=self._own_id,
            kind="cascade",
            workflow="cascade",
            about=self.entity.kind,
            key=self.entity.key,
            state="running",
            incarnation=self.entity.life,
            cause=decode_operation(fact["correlation"]) if fact is not None else None,
        )
        return await operations.record(self.conn, self.tenant, wanted, OWN_SOURCE)

    async def end(self, row: Row, state: str, reason: str = "") -> None:
        await operations.end(self.conn, self.tenant, row, state, reason, self.revision)
