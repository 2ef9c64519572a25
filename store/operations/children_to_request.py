"""The children for which an operation has still to send a command to their owner."""

from collections.abc import Sequence
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Cascade, Relationship
from catalog.vocabulary import Command, Effect
from messages.child_reasons import ParkReason, SkipCode
from store.db.pool import Connection, Pool, connection
from store.db.sql import execute, fetch_rows
from store.operations import listed_children
from store.operations.children import ChildOutcome, ChildState, store_outcomes_in
from store.operations.operation_row import OperationRow
from store.operations.restrictions import restrictions
from store.operations.sending import Sending, find_sending
from store.write.entity_state import FoldedEntity, fetch_entities


class Candidate(NamedTuple):
    """A child for which its owner is to be sent a command.

    ``parent``: the parent that the child must still have. ``reference``: the order key of the fact that names the
    parent, which distinguishes this stay at the parent from an earlier one. ``requested_reference``: the one at the
    first attempt, which all attempts repeat. ``linked_revision``: the revision since which the child has been linked to
    it. ``redrives``: how often the child was redriven.
    """

    child: FoldedEntity
    parent: str
    reference: bytes
    requested_reference: bytes
    linked_revision: int | None
    redrives: int


class CandidatePage(NamedTuple):
    """A page of candidates of one relationship, and the command that each is sent.

    ``next``: the key after which the next page begins; None: this page is the last. ``target``: the new parent, of a
    move. ``others_confirmed``: whether the owner has carried out what was requested for other children. ``seconds``:
    for which requests may leave, since the page was read; None: there is no limit.
    """

    candidates: list[Candidate]
    next: str | None
    command: type[Command]
    target: str | None
    others_confirmed: bool
    seconds: float | None = None


class StillPending(NamedTuple):
    """Which requests of a page may still be sent: for the children with these ``keys``, for so many ``seconds`` since
    this was read; None: there is no limit."""

    keys: set[str]
    seconds: float | None = None


class _CandidateRow(NamedTuple):
    """A row of the queries of candidates. ``state`` and the columns after it are None for a child that the operation
    has not processed yet. Of a plan: ``returned``: the child has left its parent since, or something followed from its
    request; ``recreated``: it was deleted since. Where it is in its parent, it has come back."""

    child: str
    parent: str
    linked_revision: int | None
    state: ChildState | None
    reference: bytes | None
    redrives: int | None
    reported_missing: bool | None
    returned: bool
    recreated: bool


async def next_page(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    operation: str,
    relationship: Relationship,
    after: str,
    limit: int,
    *,
    repeat: bool,
) -> CandidatePage | None:
    """The next children of one relationship for which something is to be requested; None: the operation has ended, was
    cancelled, or nothing declares a command for it.

    ``after``: the key of the last child of the page before. ``limit``: rows that are read; fewer of them may be
    candidates. ``repeat``: also children that were requested already, if another fact names their parent by now, or
    their owner reported them missing. Children that returned are skipped, those that must not be requested are parked.
    """
    async with connection(pool) as conn:
        sending = await find_sending(conn, catalog, tenant, operation, relationship)
        if sending is None:
            return None
        row = sending.operation
        if row.workflow == "cascade":
            command = relationship.sweep
            rows = await _cascade_rows(conn, sending, relationship, after, limit, repeat=repeat)
        else:
            command = relationship.move if row.kind == "move" else relationship.detach
            rows = await fetch_rows(
                conn,
                _CandidateRow,
                "plan_candidates",
                tenant=tenant,
                operation=operation,
                relationship=relationship.name,
                kind=relationship.child,
                creations=catalog.contracts.types(relationship.child, Effect.CREATED),
                deletions=catalog.contracts.types(relationship.child, Effect.DELETED),
                after=after,
                repeat=repeat,
                limit=limit,
            )
        entities = await fetch_entities(conn, tenant, [(relationship.child, r.child) for r in rows])
        found, skipped = _select(relationship, sending, rows, entities)
        if skipped:
            await execute(
                conn,
                "skip_children",
                tenant=tenant,
                operation=operation,
                relationship=relationship.name,
                children=list(skipped),
                reasons=list(skipped.values()),
            )
        if why := await _obstacles(conn, catalog, tenant, row, relationship, found):
            await _park(conn, tenant, operation, relationship, [c for c in found if c.child.key in why], why)
            found = [c for c in found if c.child.key not in why]
    if command is None:
        return None
    next = rows[-1].child if len(rows) == limit else None
    return CandidatePage(found, next, command, row.parent, row.confirmed > 0, sending.seconds)


async def look_again(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    operation: str,
    relationship: Relationship,
    candidates: Sequence[Candidate],
) -> StillPending:
    """Those candidates, of a page read earlier, whose requests may still be sent as they are.

    Not those that have left their parent, were named as its children by another fact, or must not be requested any
    more; none if the operation sends no requests any more. Changes nothing: the next page does.
    """
    async with connection(pool) as conn:
        sending = await find_sending(conn, catalog, tenant, operation, relationship)
        if sending is None:
            return StillPending(set())
        entities = await fetch_entities(conn, tenant, [(relationship.child, c.child.key) for c in candidates])
        stays = [(c.child.key, c.parent, c.linked_revision) for c in candidates]
        listed: set[str] = set()
        if relationship.many:
            cascade = sending.operation.workflow == "cascade"
            listed = await listed_children.still_listed(conn, tenant, relationship, stays, cascade=cascade)
        same = [
            c
            for c, entity in zip(candidates, entities, strict=True)
            if entity.incarnation == c.child.incarnation
            and (
                c.child.key in listed
                if relationship.many
                else entity.reference(relationship) == (c.reference, c.parent)
                and sending.concerns(relationship, entity)
            )
        ]
        obstacles = await _obstacles(conn, catalog, tenant, sending.operation, relationship, same)
    return StillPending({c.child.key for c in same} - obstacles.keys(), sending.seconds)


def _select(
    relationship: Relationship, sending: Sending, rows: Sequence[_CandidateRow], entities: Sequence[FoldedEntity]
) -> tuple[list[Candidate], dict[str, SkipCode]]:
    """(Children that are still in their parent, and for which something is to be requested; child → why it is skipped
    although it is there). A child is not requested twice for the same fact, unless its owner reported it missing."""
    found: list[Candidate] = []
    skipped: dict[str, SkipCode] = {}
    for row, entity in zip(rows, entities, strict=True):
        reference, parent = _stay(relationship, row, entity)
        if parent is None or parent != row.parent:
            continue
        if not relationship.many and not sending.concerns(relationship, entity):
            continue
        if row.returned or row.recreated:
            skipped[row.child] = "recreated" if row.recreated else "left_and_returned"
        elif row.state != "requested" or row.reference != reference or row.reported_missing:
            first = (row.reference if row.state in ("planned", "failing") else None) or reference
            found.append(Candidate(entity, parent, reference, first, row.linked_revision, row.redrives or 0))
    return found, skipped


def _stay(relationship: Relationship, row: _CandidateRow, entity: FoldedEntity) -> tuple[bytes, str | None]:
    """(what distinguishes a child's present stay at a parent from others, the parent); no parent: it has left it."""
    if not relationship.many:
        return entity.reference(relationship)
    linked = entity.state == "live" and row.linked_revision is not None
    return listed_children.stay(row.linked_revision), row.parent if linked else None


async def _cascade_rows(
    conn: Connection, sending: Sending, relationship: Relationship, after: str, limit: int, *, repeat: bool
) -> list[_CandidateRow]:
    row = sending.operation
    if relationship.many:
        return await listed_children.candidates(
            conn, _CandidateRow, row, relationship, sending.life, after, limit, repeat=repeat
        )
    return await fetch_rows(
        conn,
        _CandidateRow,
        "cascade_candidates",
        tenant=row.tenant,
        operation=row.id,
        relationship=relationship.name,
        parent=row.key,
        after=after,
        repeat=repeat,
        limit=limit,
    )


async def _obstacles(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    row: OperationRow,
    relationship: Relationship,
    found: Sequence[Candidate],
) -> dict[str, ParkReason]:
    """Child → why nothing may be requested for it: a child of its own restricts its deletion, or the target of its move
    is deleted."""
    if row.workflow == "cascade" and isinstance(relationship.on_parent_deleted, Cascade):
        keys = [c.child.key for c in found]
        restricted = await restrictions(conn, catalog, tenant, relationship.child, keys)
        return {key: ParkReason("restricted", reason.details) for key, reason in restricted.items()}
    if row.kind == "move":
        (target,) = await fetch_entities(conn, tenant, [(relationship.parent, row.parent or "")])
        if target.state == "deleted":
            reason = ParkReason("target_deleted", {"kind": target.kind, "key": target.key})
            return {c.child.key: reason for c in found}
    return {}


async def _park(
    conn: Connection,
    tenant: str,
    operation: str,
    relationship: Relationship,
    found: list[Candidate],
    why: dict[str, ParkReason],
) -> None:
    await _begin(conn, tenant, operation, relationship.name, found)
    outcomes = [
        ChildOutcome(c.child.key, c.parent, "parked", c.reference, sent=False, park_reason=why[c.child.key])
        for c in found
    ]
    await store_outcomes_in(conn, tenant, operation, relationship.name, outcomes)


async def begin(pool: Pool, tenant: str, operation: str, relationship: str, found: Sequence[Candidate]) -> None:
    """Stores children of one relationship whose requests are about to be sent."""
    async with connection(pool) as conn:
        await _begin(conn, tenant, operation, relationship, found)


async def _begin(conn: Connection, tenant: str, operation: str, relationship: str, found: Sequence[Candidate]) -> None:
    await execute(
        conn,
        "begin_children",
        tenant=tenant,
        operation=operation,
        relationship=relationship,
        children=[c.child.key for c in found],
        parents=[c.parent for c in found],
        order_keys=[c.reference for c in found],
        linked_revisions=[c.linked_revision for c in found],
    )
