"""Deletes what no revision from the horizon on has any more: closed versions of entities, links and aliases."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from store.db.pool import Pool, transaction
from store.db.sql import execute, fetch_row, fetch_value
from store.retention.horizon import Horizon
from store.retention.trimmed import BATCH, batches, count


class _LastLink(NamedTuple):
    """A row of ``trim_requested_links``: the last link that was looked at; ``deleted``: how many were deleted."""

    revision: int
    relationship: str
    child: str
    deleted: int


async def trim(pool: Pool, catalog: Catalog, tenant: str, horizon: Horizon, *, bodies: bool) -> AsyncIterator[int]:
    """Deletes all versions that ended at the horizon or before, in transactions of some rows. Yields how many rows each
    has deleted. Raises Unavailable.

    ``bodies``: whether bodies of facts are trimmed, which needs the times of revisions from the sealed one on. May end
    at any point, also by a crash: what is left is deleted by the next call.
    """
    if not horizon.revision:
        return
    async with transaction(pool) as conn:
        after = await fetch_value(conn, "begin_pass", tenant=tenant)
    where = {"after": after, "horizon": horizon.revision}
    requested = [r for r in catalog.relationships.values() if r.requested is not None or r.exclusive]
    names = [r.name for r in requested]
    deletions = [type for type, contract in catalog.contracts.by_type.items() if contract.effect is Effect.DELETED]
    first = min(horizon.revision, horizon.sealed) if bodies else horizon.revision
    for what, query, more in (
        ("entities", "trim_entities", where),
        ("links", "trim_links", {**where, "requested": names}),
        ("aliases", "trim_aliases", {**where, "deletions": deletions}),
        ("revisions", "trim_revisions", {"first": first}),
    ):
        async for rows in batches(pool, tenant, what, query, **more):
            yield rows
    async for rows in _requested_links(pool, tenant, names, [r.parent for r in requested], after, horizon.revision):
        yield rows
    async with transaction(pool) as conn:
        await execute(conn, "end_pass", tenant=tenant, horizon=horizon.revision)


async def _requested_links(
    pool: Pool, tenant: str, names: list[str], parent_kinds: list[str], after: int, horizon: int
) -> AsyncIterator[int]:
    relationship, child = "", ""
    while names:
        async with transaction(pool) as conn:
            last = await fetch_row(
                conn,
                _LastLink,
                "trim_requested_links",
                tenant=tenant,
                after=after,
                after_relationship=relationship,
                after_child=child,
                horizon=horizon,
                requested=names,
                parent_kinds=parent_kinds,
                size=BATCH,
            )
            if last is None:
                return
            after, relationship, child = last.revision, last.relationship, last.child
            await count(conn, tenant, "links", last.deleted)
        yield last.deleted
