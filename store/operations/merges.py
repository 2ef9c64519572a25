"""Merges that callers request: their start, and each step of them.

A merge is decided in the transaction that records its facts. Then what it has conserved is counted, and the owner of
the losers is requested to retire them if their kind declares a command for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

import orjson

from catalog.catalog import Catalog
from errors import Unknown
from facts.validation import check_text
from messages.operation_reasons import EndReason
from store.db.pool import Connection, Pool, transaction
from store.db.snapshot import Snapshot
from store.db.sql import execute, fetch_row, fetch_rows
from store.operations import identity_entries, merge_checks, operations, retirements
from store.operations.children import OpenChildren
from store.operations.merge_checks import NewMerge
from store.operations.operation_row import OperationRow
from store.operations.operations import NewOperation
from store.operations.start_requests import start_request
from store.write import merge_proof, outbox
from store.write.settle import settle
from store.write.tenant_lock import LockedTenant, lock

_NAMED = 1_000
"""Losers that the status of an operation has, of those of many merges."""


class MergeRow(NamedTuple):
    """A row of ``merges``: see the comments of the table. ``proof``: as `store/write/merge_proof.py` makes it."""

    id: str
    kind: str
    survivor: str
    losers: list[str]
    reason: str
    created_at: datetime
    source: str | None
    fact: str | None
    revision: int | None
    proof: dict[str, Any] | None


class _NewAlias(NamedTuple):
    key: str
    survivor: str


@dataclass(frozen=True, slots=True)
class CountedMerges:
    """``proofs``: id of each merge → what it conserved; ``lost``: a sentence that says what not; empty: nothing is."""

    proofs: dict[str, dict[str, Any]]
    lost: str


@dataclass(frozen=True, slots=True)
class MergeRun:
    """What a merge does or waits for. ``operation``: None: it has ended.

    ``to_prove``: what it has conserved is to be counted. ``to_retire``: whether losers are to be requested; ``left``:
    those whose facts have not come, and those that are parked. ``newer``: whether the outbox has rows for it that were
    written meanwhile. ``now``: the database's clock.
    """

    now: datetime
    operation: OperationRow | None = None
    merge: MergeRow | None = None
    to_prove: bool = False
    to_retire: bool = False
    left: OpenChildren | None = None
    newer: bool = False


async def start(
    pool: Pool, catalog: Catalog, tenant: str, new: NewMerge, *, actor: str, idempotency_key: str | None
) -> OperationRow:
    """Starts a merge, or finds the one that the Idempotency-Key stands for. The id of ``new`` is not used.

    Raises Unknown, Conflict if entities of the kind cannot be merged, ForbiddenMerge, CardinalityBroken, KeyReused, and
    Unacceptable if a text cannot be stored.
    """
    check_text((new.survivor, new.losers, new.reason, idempotency_key))
    merge_checks.check_kind(catalog, new.kind)
    body = ("merge", new.kind, new.survivor, sorted(new.losers), new.reason)
    async with start_request(pool, tenant, actor, idempotency_key, body) as request:
        if request.earlier is not None:
            return request.earlier
        merge = replace(new, id=uuid4().hex)
        locked = await lock(request.conn, tenant)
        checked = await merge_checks.check(request.conn, catalog, tenant, merge, locked.now)
        merge_checks.raise_refused(checked.refused)
        await execute(
            request.conn,
            "add_merge",
            tenant=tenant,
            id=merge.id,
            kind=merge.kind,
            survivor=merge.survivor,
            losers=sorted(merge.losers, key=str.encode),
            reason=merge.reason,
            now=locked.now,
        )
        return await request.start(
            NewOperation(
                id=merge.id, kind="merge", workflow="merge", about=merge.kind, key=merge.id, parent=merge.survivor
            )
        )


async def find_row(conn: Connection, tenant: str, id: str) -> MergeRow:
    """One merge. Raises Unknown."""
    row = await fetch_row(conn, MergeRow, "merge", tenant=tenant, id=id)
    if row is None:
        raise Unknown(f"no merge {id!r}; GET /v1/merges lists them")
    return row


async def advance(pool: Pool, catalog: Catalog, tenant: str, kind: str, operation: str) -> MergeRun:
    """Does the next step of a merge that needs no owner: checks it again and records its facts, takes in what became of
    its losers, or ends it."""
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        if row is not None and row.state == "waiting":
            row = await _record(conn, catalog, tenant, row, locked)
        if row is not None and row.state == "running":
            run = await _look(conn, catalog, row, locked)
            if run is not None:
                return run
        newer = await outbox.forget(conn, tenant, "merge", kind, operation)
    return MergeRun(locked.now, newer=newer)


async def _record(
    conn: Connection, catalog: Catalog, tenant: str, row: OperationRow, locked: LockedTenant
) -> OperationRow | None:
    """Records the facts of a merge, unless it is cancelled or refused by now. Returns the operation if it goes on."""
    if row.cancelled_at is not None:
        await operations.end(conn, row, "cancelled")
        return None
    merge = await find_row(conn, tenant, row.id)
    new = NewMerge(merge.id, merge.kind, merge.survivor, tuple(merge.losers), merge.reason)
    checked = await merge_checks.check(conn, catalog, tenant, new, locked.now)
    if checked.refused:
        await operations.end(conn, row, "refused", checked.refused[0], revision=locked.revision)
        return None
    await settle(conn, catalog, tenant, checked.entries, row.actor)
    await retirements.plan(conn, catalog, tenant, merge.kind, row.id, checked.change.new_aliases)
    return await fetch_row(conn, OperationRow, "continue_operation", tenant=tenant, id=row.id, remaining=0)


async def _look(conn: Connection, catalog: Catalog, row: OperationRow, locked: LockedTenant) -> MergeRun | None:
    """Ends a merge whose facts are recorded, if nothing is left to do; else returns what is."""
    merge = await _carried_out(conn, row.tenant, row.id)
    if merge.proof is None:
        return MergeRun(locked.now, row, merge, to_prove=True)
    left = await retirements.settle(conn, row, merge.kind, locked.now)
    if row.cancelled_at is not None:
        await operations.end(conn, row, "cancelled", EndReason("stays_merged"), revision=merge.revision)
    elif left.unrequested or left.open.unconfirmed:
        row = await fetch_row(conn, OperationRow, "operation", tenant=row.tenant, id=row.id) or row
        return MergeRun(locked.now, row, merge, to_retire=left.unrequested > 0, left=left.open)
    elif left.open.parked:
        reason = EndReason("not_retired", {"parked": left.open.parked})
        await operations.end(conn, row, "incomplete", reason, revision=merge.revision)
    else:
        await operations.end(conn, row, "done", revision=merge.revision)
    return None


async def start_batch(
    conn: Connection, catalog: Catalog, tenant: str, kind: str, new: Sequence[NewMerge], revision: int, actor: str
) -> str:
    """Starts the operation of merges that this transaction has recorded at a revision; returns its id."""
    row = await operations.insert(
        conn,
        tenant,
        NewOperation(
            id=(id := uuid4().hex),
            kind="merge",
            workflow="merge",
            about=kind,
            key=id,
            parent=new[0].survivor,
            state="running",
        ),
        actor,
    )
    await execute(conn, "name_operation_of_merges", tenant=tenant, operation=id, ids=[merge.id for merge in new])
    aliases = await fetch_rows(conn, _NewAlias, "new_aliases", tenant=tenant, kind=kind, revision=revision)
    await retirements.plan(conn, catalog, tenant, kind, id, {alias.key: alias.survivor for alias in aliases})
    await operations.notify(conn, revision, row, "MergeRequested")
    return id


async def find_rows(conn: Connection, tenant: str, operation: str) -> list[MergeRow]:
    """The merges that an operation carries out, by id: one, or all of a request. Raises Unknown."""
    rows = await fetch_rows(conn, MergeRow, "merges_of_operation", tenant=tenant, operation=operation)
    if not rows:
        raise Unknown(f"no merge of operation {operation!r}")
    return rows


async def _carried_out(conn: Connection, tenant: str, operation: str) -> MergeRow:
    """The merge of an operation; several as one: survivors for people, losers of all, and a proof once all have one."""
    rows = await find_rows(conn, tenant, operation)
    losers = [loser for row in rows for loser in row.losers][:_NAMED]
    proof = next((row.proof for row in rows if row.proof is None), rows[0].proof)
    if len(rows) == 1:
        return rows[0]
    return rows[0]._replace(survivor=f"{rows[0].survivor} and {len(rows) - 1} more", losers=losers, proof=proof)


async def count(at: Snapshot, catalog: Catalog, operation: str) -> CountedMerges | None:
    """Counts what the merges of an operation have conserved, all together; None: that is stored already, or none is
    recorded."""
    rows = await find_rows(at.conn, at.tenant, operation)
    first = rows[0]
    if first.revision is None or all(row.proof is not None for row in rows):
        return None
    keys = {key: None for row in rows for key in (row.survivor, *row.losers)}
    whole = await merge_proof.prove(at, catalog, first.kind, [*keys], first.revision)
    return CountedMerges({row.id: whole.part(row.survivor).to_json() for row in rows}, whole.lost)


async def store_proof(pool: Pool, catalog: Catalog, tenant: str, operation: str, counted: CountedMerges) -> None:
    """Stores what the merges of an operation have conserved. If something is lost, they are undone, and it ends."""
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
        rows = await find_rows(conn, tenant, operation)
        if all(merge.proof is not None for merge in rows):
            return
        proofs = [orjson.dumps(proof).decode() for proof in counted.proofs.values()]
        await execute(conn, "store_proofs", tenant=tenant, ids=list(counted.proofs), proofs=proofs)
        if not counted.lost or row is None or row.state != "running":
            return
        entries = []
        for merge in rows:
            entries += await identity_entries.of_undo(
                conn,
                tenant,
                merge.kind,
                merge.survivor,
                merge.losers,
                now=locked.now,
                operation=merge.id,
                data={"merge": merge.id, "reason": counted.lost[:500]},
            )
        settled = await settle(conn, catalog, tenant, entries, row.actor)
        await operations.end(
            conn, row, "refused", EndReason("not_conserved"), last_error=counted.lost, revision=settled.revision
        )
