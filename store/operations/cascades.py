"""Deletions of entities, and what follows for their children.

There is one operation for each deletion of an entity that has children: the one that a caller requested, or else one
that Tether starts as soon as there are children to process. It resumes when late ones arrive.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import Relationship
from facts.correlation import decode_operation
from facts.own_facts import derived_id
from messages.operation_reasons import EndReason, ReasonDetails
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import fetch_row
from store.operations import candidate_counts, children, ended_life, operations
from store.operations.cascade_rules import Action, ChildrenCase, Conclusion, case_of, conclude, decide
from store.operations.deletion_facts import find_deletion
from store.operations.ended_life import Recreation
from store.operations.operation_row import OperationRow, OperationState
from store.operations.operations import NewOperation, entity_reason
from store.write import outbox
from store.write.diff import EntityKey
from store.write.entity_state import FoldedEntity, fetch_entities
from store.write.tenant_lock import lock


@dataclass(frozen=True, slots=True)
class CascadeStatus:
    """The status of the operations of an entity's deletion.

    ``deletion``: the operation for which the entity's owner is to be sent a request, or was; ``operation``: the one
    that processes children; None: there is none. Both are set only if the entity was created again meanwhile.
    ``to_request``: relationships with children that are to be requested. ``unconfirmed``: children that were requested
    and whose facts have not arrived. ``stops_at``: from then on nothing more is requested where the policy is STOP,
    since the entity was created again; None: it was not. ``newer``: there are outbox rows newer than this status.
    ``now``: the database's clock.
    """

    now: datetime
    deletion: OperationRow | None = None
    operation: OperationRow | None = None
    to_request: tuple[str, ...] = ()
    unconfirmed: int = 0
    stops_at: datetime | None = None
    newer: bool = False


async def advance(pool: Pool, catalog: Catalog, tenant: str, kind: str, key: str) -> CascadeStatus:
    """Ends the operations of an entity's deletion that can be ended, and returns the status of the one that is left.

    The database's clock decides which have expired.
    """
    while True:
        async with connection(pool) as conn:  # before the tenant's revision is locked: children may be many
            before = await _process_many(conn, catalog, tenant, kind, key)
        async with transaction(pool) as conn:
            status = await _advance(conn, catalog, tenant, (kind, key), before)
        if status is not None:
            return status


async def _advance(
    conn: Connection, catalog: Catalog, tenant: str, at: EntityKey, before: "_Processed"
) -> CascadeStatus | None:
    """Does the same in a transaction. None: an operation became responsible for children that are to be skipped, since
    their parent was created again too long ago, or went on: they are many, and not skipped under the lock."""
    locked = await lock(conn, tenant)
    (entity,) = await fetch_entities(conn, tenant, [at])
    life = await ended_life.recreation(conn, catalog, tenant, entity)
    step = _DeletionStep(conn, catalog, tenant, entity, life, locked.revision, locked.now)
    responsible, deletion = await _responsible(conn, tenant, entity), None
    for row in await operations.open_operations(conn, tenant, "cascade", *at):
        action = decide(case_of(row, entity, locked.now, bound=responsible is not None))
        if action is Action.SEND_REQUEST:
            deletion = deletion or row
        else:
            responsible = await step.take(action, row, responsible)
    if before.stopped and entity.ended:
        responsible = await step.become_responsible(responsible, start=before.left_over)
        if responsible is not None and responsible.state == "running" and responsible.id != before.operation:
            return None
    status = await step.process_children(responsible, before) if entity.ended else None
    if status is not None or deletion is not None:
        return replace(status or CascadeStatus(locked.now), deletion=deletion)
    return CascadeStatus(locked.now, newer=await outbox.forget(conn, tenant, "cascade", *at))


@dataclass(frozen=True, slots=True)
class _Processed:
    """What was found before the lock was taken. ``operation``: the id of the responsible one, if it was running;
    ``stopped``: relationships whose children are not requested any more; ``left_over``: whether there are such
    children, and no operation that is responsible for them; ``unrequested``, ``remaining``: children that were not
    requested, and not processed at all."""

    operation: str | None
    stopped: tuple[Relationship, ...]
    left_over: bool
    unrequested: int
    remaining: int


async def _process_many(conn: Connection, catalog: Catalog, tenant: str, kind: str, key: str) -> _Processed:
    """Processes the children of the operation that is responsible for those of an entity, and counts what is left."""
    (entity,) = await fetch_entities(conn, tenant, [(kind, key)])
    row = await _responsible(conn, tenant, entity)
    life = await ended_life.recreation(conn, catalog, tenant, entity)
    relationships = catalog.sweeping.get(kind, ())
    stopped = ended_life.stopped(relationships, life)
    if row is not None and row.state == "running":
        await children.settle(conn, catalog, tenant, row)
        if life is not None and row.cancelled_at is None:
            await ended_life.skip(conn, catalog.columns(relationships), stopped, row, life)
    of = conn, tenant, row.id if row is not None else "", key
    going_on = [r for r in relationships if r not in stopped]
    counted = await candidate_counts.count(*of, going_on, life=life, limit=candidate_counts.COUNTED)
    unrequested, remaining = (sum(count[n] for count in counted.values()) for n in (0, 1))
    kept = {} if row is not None else await candidate_counts.count(*of, stopped, life=life, limit=1)
    left_over = any(children for children, _ in kept.values())
    running = row.id if row is not None and row.state == "running" else None
    return _Processed(running, stopped, left_over, unrequested, remaining)


async def _responsible(conn: Connection, tenant: str, entity: FoldedEntity) -> OperationRow | None:
    """The operation, ended or not, that is responsible for the children of the life that the last deletion ended."""
    if not entity.ended:
        return None
    return await fetch_row(
        conn,
        OperationRow,
        "operation_of_incarnation",
        tenant=tenant,
        kind=entity.kind,
        key=entity.key,
        incarnation=entity.incarnation,
    )


@dataclass(frozen=True, slots=True)
class _DeletionStep:
    """Advances one entity's deletions, in a transaction that holds the lock of the tenant's revision."""

    conn: Connection
    catalog: Catalog
    tenant: str
    entity: FoldedEntity
    life: Recreation | None
    """How the entity came to exist again; None: it did not."""
    revision: int
    now: datetime

    async def take(self, action: Action, row: OperationRow, responsible: OperationRow | None) -> OperationRow | None:
        """Carries out what was decided about an operation. Returns the one that is responsible from now on."""
        conn, entity = self.conn, self.entity
        match action:
            case Action.BIND:
                return await fetch_row(
                    conn, OperationRow, "bind_operation", tenant=self.tenant, id=row.id, incarnation=entity.incarnation
                )
            case Action.END_DELETED_BY_OTHER:
                assert responsible is not None
                await self._end(row, "done", EndReason("deleted_by_other_operation", {"operation": responsible.id}))
            case Action.END_DELETED_AGAIN:
                await children.skip_unrequested(conn, self.tenant, row.id)
                void = entity.state == "live" and self.life is None
                await self._end(row, "done", entity_reason("deletion_voided" if void else "deleted_again", entity))
            case Action.CANCEL_DELETED:
                await self._end(row, "cancelled", entity_reason("already_deleted", entity))
            case Action.CANCEL:
                # A deletion of the entity after a failed last attempt is not attributed to this operation.
                accepted = row.requested_at is not None and not row.unanswered_attempt
                await self._end(row, "cancelled", owner_may_still_act=accepted)
            case Action.EXPIRE:
                fact = self.catalog.contracts.deleted_fact(entity.kind)
                await self._end(row, "expired", EndReason("not_confirmed", {"fact": fact}), last_error=row.last_error)
        return responsible

    async def process_children(self, row: OperationRow | None, before: _Processed) -> CascadeStatus | None:
        """What is to be done about the children of the life that the last deletion ended; None: nothing is left to do.

        ``row``: the operation that is responsible; if there is none, one is started where there are children.
        """
        conn, tenant, entity = self.conn, self.tenant, self.entity
        row = await self.become_responsible(row, start=False)
        id = row.id if row is not None else self._own_id
        relationships = [r for r in self.catalog.sweeping.get(entity.kind, ()) if r not in before.stopped]
        some = await candidate_counts.count(conn, tenant, id, entity.key, relationships, life=self.life, limit=1)
        to_request = tuple(name for name, (count, _) in some.items() if count)
        if row is None and to_request:
            row = await self._start_own()
        if row is None or row.state == "cancelled":
            return None
        left = await children.left(conn, tenant, row.id)
        if not to_request and not left.unconfirmed:  # facts may have arrived since the children were counted
            await children.settle(conn, self.catalog, tenant, row)
            left = await children.left(conn, tenant, row.id)
        case = ChildrenCase(
            state=row.state,
            cancelled=row.cancelled_at is not None,
            left=bool(to_request or left.unconfirmed),
            parked=left.parked > 0,
        )
        match conclude(case):
            case Conclusion.CANCEL:
                reason = EndReason("stopped_midway", {"unconfirmed": left.unconfirmed, "remaining": before.unrequested})
                await self._end(row, "cancelled", reason)
            case Conclusion.CONTINUE:
                await children.note_missing_facts(conn, tenant, row.id, left, self.now)
                row = await fetch_row(
                    conn, OperationRow, "continue_operation", tenant=tenant, id=row.id, remaining=before.remaining
                )
                stopping = any(ended_life.stops(r) and r.name in to_request for r in relationships)
                return CascadeStatus(
                    self.now,
                    operation=row,
                    to_request=to_request,
                    unconfirmed=left.unconfirmed,
                    stops_at=self.life.stops_at if self.life is not None and stopping else None,
                )
            case Conclusion.END_INCOMPLETE:
                await self._end(row, "incomplete", EndReason("children_parked", {"parked": left.parked}))
            case Conclusion.END_DONE:
                await self._end(row, "done", await self._recreated_reason(row))
        return None

    async def become_responsible(self, row: OperationRow | None, *, start: bool) -> OperationRow | None:
        """The operation that is responsible for the children: ``row``, or a cancelled one whose request led to the
        deletion, or, if ``start`` is set, one of Tether's own."""
        row = row or await self._bind_cancelled()
        return await self._start_own() if row is None and start else row

    async def _recreated_reason(self, row: OperationRow) -> EndReason | None:
        """What the end of an operation says about the new life of its entity; None if there is nothing to say."""
        if self.life is None:
            return None
        skipped = await ended_life.count_skipped(self.conn, row)
        if skipped:
            details = ReasonDetails(kind=self.entity.kind, key=self.entity.key, skipped=skipped)
            return EndReason("recreated_during_cascade", details)
        return entity_reason("recreated_since_request", self.entity) if row.kind == "delete" else None

    async def _bind_cancelled(self) -> OperationRow | None:
        return await fetch_row(
            self.conn,
            OperationRow,
            "bind_cancelled",
            tenant=self.tenant,
            kind=self.entity.kind,
            key=self.entity.key,
            incarnation=self.entity.incarnation,
            deletion=self.entity.ended,
        )

    @property
    def _own_id(self) -> str:
        return derived_id("cascade", self.entity.kind, self.entity.key, self.entity.incarnation)

    async def _start_own(self) -> OperationRow:
        """Starts Tether's own operation: an owner deleted what has children, by itself or requested by an operation.

        It ends at once if that was merged into another entity then: its owner has retired it, and its children stay.
        """
        deletion = await find_deletion(self.conn, self.tenant, self.entity)
        new = NewOperation(
            id=self._own_id,
            kind="cascade",
            workflow="cascade",
            about=self.entity.kind,
            key=self.entity.key,
            state="running",
            incarnation=self.entity.incarnation,
            cause=decode_operation(deletion.correlation),
        )
        row = await operations.insert(self.conn, self.tenant, new, OWN_SOURCE)
        if deletion.survivor is None:
            return row
        details = ReasonDetails(kind=self.entity.kind, key=self.entity.key, other=deletion.survivor)
        await self._end(row, "cancelled", EndReason("retired", details))
        return replace(row, state="cancelled")

    async def _end(
        self,
        row: OperationRow,
        state: OperationState,
        reason: EndReason | None = None,
        *,
        last_error: str = "",
        owner_may_still_act: bool = False,
    ) -> None:
        await operations.end(
            self.conn,
            row,
            state,
            reason,
            last_error=last_error,
            owner_may_still_act=owner_may_still_act,
            revision=self.revision,
        )
