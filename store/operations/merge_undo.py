"""Undoes merges, whole or some of their losers, by a fact of Tether's own; and what that would change.

One transaction does it all: nothing is waited for, so no workflow is started. What owners were requested meanwhile,
such as to retire a loser, stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4

from catalog.catalog import Catalog
from errors import Conflict, Unknown
from facts.validation import check_text
from store.db.pool import Connection, Pool
from store.db.snapshot import snapshot
from store.db.sql import fetch_row, fetch_rows, fetch_value
from store.operations import identity_entries, merge_checks, merges, operations
from store.operations.cluster_changes import ClusterChange, preview_change
from store.operations.merges import MergeRow
from store.operations.operation_row import OPEN, OperationRow
from store.operations.operations import NewOperation, notify
from store.operations.start_requests import start_request
from store.write.entity_state import fetch_entities
from store.write.settle import settle
from store.write.tenant_lock import lock


class PairState(NamedTuple):
    """A pair of a merge as it is now. ``merged``: whether the last fact about it merges it; ``set_aside``: the keys on
    the way between two that must never be merged, which it would join; None: it is joined, or not merged."""

    loser: str
    merged: bool
    set_aside: list[str] | None


class LinkCount(NamedTuple):
    """How many links of one relationship name a key as their parent."""

    relationship: str
    key: str
    links: int


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """What the undo of a merge would do. ``losers``: whose pairs it ends.

    ``stay``: those that stay merged with the survivor by other pairs, each with the keys on the way. ``links``: links
    that go back to the keys that become other entities; ``deleted``: those of these keys that their owner has deleted,
    so that these links would be broken. ``joined``: pairs that are set aside now and would be joined.
    """

    merge: MergeRow
    losers: tuple[str, ...]
    revision: int
    change: ClusterChange
    stay: tuple[str, ...]
    links: tuple[LinkCount, ...]
    deleted: tuple[str, ...]
    joined: tuple[tuple[str, str], ...]


async def pair_states(conn: Connection, tenant: str, merge: MergeRow) -> list[PairState]:
    """The pairs of a merge as they are now, by loser; those without any fact that counts are not merged."""
    rows = await fetch_rows(
        conn,
        PairState,
        "states_of_pairs",
        tenant=tenant,
        kind=merge.kind,
        losers=merge.losers,
        survivor=merge.survivor,
    )
    found = {row.loser: row for row in rows}
    return [found.get(loser, PairState(loser, False, None)) for loser in merge.losers]


async def preview(pool: Pool, catalog: Catalog, tenant: str, id: str, only: Collection[str]) -> UndoPreview:
    """What the undo of a merge would do now. ``only``: these losers; empty: all. Raises Unknown, Conflict."""
    async with snapshot(pool, tenant) as at:
        merge = await merges.find_row(at.conn, tenant, id)
        merge_checks.check_kind(catalog, merge.kind)
        losers = await _to_undo(at.conn, tenant, merge, only)
        pairs = [(loser, merge.survivor) for loser in losers]
        keys = [merge.survivor, *losers]
        change = await preview_change(at.conn, catalog, tenant, merge.kind, keys, unmerged=pairs)
        parted = [key for key, was, now in change.renamed if was != now]
        relationships = [relationship.name for relationship in catalog.by_parent.get(merge.kind, ())]
        links = await fetch_rows(
            at.conn,
            LinkCount,
            "links_by_stated_parent",
            tenant=tenant,
            relationships=relationships,
            parents=sorted({change.was(key) for key in parted}, key=str.encode),
            stated=parted,
        )
        records = await fetch_entities(at.conn, tenant, [(merge.kind, key) for key in parted])
        return UndoPreview(
            merge,
            tuple(losers),
            at.revision,
            change,
            tuple(loser for loser in losers if change.now(loser) == change.now(merge.survivor)),
            tuple(links),
            tuple(record.key for record in records if record.state == "deleted"),
            tuple(pair for pair in change.before.set_aside if pair not in (*change.after.set_aside, *pairs)),
        )


async def _to_undo(conn: Connection, tenant: str, merge: MergeRow, only: Collection[str]) -> list[str]:
    """The losers whose pairs are to be ended. Raises Unknown for one that is not of this merge, Conflict if it is not
    merged."""
    if merge.revision is None:
        raise Conflict(f"merge {merge.id} has not been recorded: there is nothing to undo; see operation {merge.id}")
    for loser in only:
        if loser not in merge.losers:
            known = ", ".join(map(repr, merge.losers[:10]))
            raise Unknown(f"{merge.kind} {loser!r} is no loser of merge {merge.id}; its losers are: {known}")
    merged = [pair.loser for pair in await pair_states(conn, tenant, merge) if pair.merged]
    for loser in only:
        if loser not in merged:
            raise Conflict(f"{merge.kind} {loser!r} is not merged into {merge.survivor!r} any more: nothing to undo")
    if not merged:
        raise Conflict(f"merge {merge.id} is undone already: none of its losers is merged into {merge.survivor!r}")
    return [loser for loser in merged if not only or loser in only]


async def undo(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    id: str,
    *,
    only: Sequence[str],
    reason: str,
    actor: str,
    idempotency_key: str | None,
) -> OperationRow:
    """Undoes a merge; returns the operation, which has ended, or the one that the Idempotency-Key stands for.

    ``only``: these losers; empty: all that are merged. ``reason``: for people. Raises Unknown, Conflict if nothing is
    merged, and KeyReused.
    """
    check_text((id, list(only), reason, idempotency_key))
    body = ("unmerge", id, sorted(only), reason)
    async with start_request(pool, tenant, actor, idempotency_key, body) as request:
        if request.earlier is not None:
            return request.earlier
        conn = request.conn
        locked = await lock(conn, tenant)
        merge = await merges.find_row(conn, tenant, id)
        merge_checks.check_kind(catalog, merge.kind)
        losers = await _to_undo(conn, tenant, merge, only)
        operation = uuid4().hex
        data = {"merge": merge.id, "reason": reason} if reason else {"merge": merge.id}
        entries = await identity_entries.of_undo(
            conn, tenant, merge.kind, merge.survivor, losers, now=locked.now, operation=operation, data=data
        )
        settled = await settle(conn, catalog, tenant, entries, actor)
        new = NewOperation(
            id=operation,
            kind="unmerge",
            workflow="merge",
            about=merge.kind,
            key=operation,
            parent=merge.survivor,
            cause=id,
            state="running",
        )
        row = await operations.insert(conn, tenant, new, actor)
        await operations.end(conn, row, "done", revision=settled.revision)
        await _notify_merge(conn, tenant, merge, settled.revision, operation)
        return await request.join(await _ended(conn, row))


async def _notify_merge(conn: Connection, tenant: str, merge: MergeRow, revision: int, operation: str) -> None:
    """Lets the merge look, if its losers are still being retired: those that are undone must not be."""
    carrying = await fetch_value(conn, "operation_of_merge", tenant=tenant, id=merge.id)
    row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=carrying)
    if row is not None and row.state in OPEN:
        await notify(conn, revision, row, "MergeUndone", f"/{operation}")


async def _ended(conn: Connection, row: OperationRow) -> OperationRow:
    return await fetch_row(conn, OperationRow, "operation", tenant=row.tenant, id=row.id) or row
