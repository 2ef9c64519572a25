"""The keys that a merge turns into aliases and whose owner is requested to retire them.

They are the children of its operation: the loser as the child, the survivor as the parent, of no relationship.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from catalog.catalog import Catalog
from store.db.pool import Connection, Pool, connection
from store.db.sql import execute, fetch_rows
from store.operations import children
from store.operations.children import OpenChildren
from store.operations.operation_row import OperationRow

NO_RELATIONSHIP = ""
"""The relationship of losers among the children of operations."""


class LeftToRetire(NamedTuple):
    """What a merge waits for. ``unrequested``: how many losers are still to be requested, or again."""

    unrequested: int
    open: OpenChildren


class LoserToRetire(NamedTuple):
    """A loser that its owner is to be requested to retire. ``reference``: the newest fact about it that was known
    when it was merged; ``renewals``: how often it was put back to be requested."""

    loser: str
    survivor: str
    data: dict[str, object]
    reference: bytes
    renewals: int


async def plan(
    conn: Connection, catalog: Catalog, tenant: str, kind: str, operation: str, aliases: Mapping[str, str]
) -> None:
    """Adds the losers of a merge to its operation, if their kind declares how they are retired. ``aliases``: loser →
    survivor."""
    if aliases and catalog.contracts.merging[kind].retire is not None:
        await execute(
            conn,
            "add_losers",
            tenant=tenant,
            operation=operation,
            kind=kind,
            losers=list(aliases),
            survivors=list(aliases.values()),
        )


async def settle(conn: Connection, row: OperationRow, kind: str, now: datetime) -> LeftToRetire:
    """Takes in what became of the losers of a merge: retired, no longer merged, or silent for too long."""
    await execute(conn, "settle_losers", tenant=row.tenant, operation=row.id, kind=kind)
    unrequested = await children.count_unrequested(conn, row.tenant, row.id)
    left = await children.left(conn, row.tenant, row.id)
    if row.cancelled_at is None:
        await children.note_missing_facts(conn, row.tenant, row.id, left, now)
    return LeftToRetire(unrequested, left)


async def to_request(
    pool: Pool,
    tenant: str,
    kind: str,
    operation: str,
    *,
    after: str = "",
    losers: Sequence[str] | None = None,
    repeat: bool,
    limit: int,
) -> list[LoserToRetire]:
    """The losers whose owner is to be requested to retire them, by key; none if the operation has ended, or is to be
    cancelled.

    ``after``: the last key of the page before; ``losers``: only of these, None: of all; ``repeat``: also those that
    were requested and that their owner reported missing.
    """
    async with connection(pool) as conn:
        return await fetch_rows(
            conn,
            LoserToRetire,
            "losers_to_retire",
            tenant=tenant,
            kind=kind,
            operation=operation,
            after=after,
            losers=None if losers is None else list(losers),
            repeat=repeat,
            limit=limit,
        )
