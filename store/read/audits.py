"""Sums up what a consumer with a filter holds at a revision, in buckets that no order changes: ``tether/audits.py``.

Of links the sums are computed by PostgreSQL, since canonical JSON of texts is what it writes; of entities here, whose
data may have numbers in it. Both read pages, each in a transaction of its own, as snapshots do.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from errors import Refused
from store.db.pool import Pool
from store.db.snapshot import Snapshot, snapshot
from store.db.sql import fetch_rows
from store.read import feed, listed_rows, snapshot_rows
from store.read.feed_offsets import FeedPosition
from store.read.feed_query import FeedQuery
from store.read.snapshot_rows import EntityRows, LinkRows, SnapshotRows
from tether.audits import Bucket, key_hash, row_hash

LINKS_AT_ONCE = 20_000
ENTITIES_AT_ONCE = 500
"""Rows in a page."""
ROOT = ("",)
"""The prefix of all keys."""


class _BucketPart(NamedTuple):
    """A row of ``audit_links``: a bucket's part in a page; or, without a prefix, the last key of the page."""

    prefix: str | None
    last: str | None
    rows: int
    sum: int


class _HashedRow(NamedTuple):
    """A row of ``audit_link_rows``; or, without a key, the last key of the page."""

    key: str | None
    last: str | None
    hash: int


async def complete_revision(at: Snapshot, query: FeedQuery, position: FeedPosition) -> int:
    """Returns the revision that the copy of a reader at a position of the feed is of.

    Raises Refused if items of its last revision follow: the copy is of no revision then.
    """
    if position == FeedPosition(position.revision):
        return max(position.revision - 1, 0)
    items, _ = await feed.page(at, query, position, 1)
    if items and items[0].revision == position.revision:
        raise Refused("more items of the same revision follow after this offset: apply them, then audit the copy")
    return position.revision


async def buckets(
    pool: Pool,
    tenant: str,
    revision: int,
    rows: SnapshotRows,
    prefixes: Sequence[str],
    first: str = "",
    until: str | None = None,
) -> dict[str, Bucket]:
    """Returns the buckets that are not empty below these prefixes, which have one length: by prefixes one digit longer.

    ``first``, ``until``: only of rows after the one key, and up to the other one.
    """
    found: dict[str, Bucket] = {}
    digits = len(prefixes[0]) + 1
    if isinstance(rows, LinkRows):
        after: str | None = first
        while after is not None and (until is None or rows.place(after) < rows.place(until)):
            parts = await _links(pool, tenant, revision, rows, after, prefixes, digits, until)
            for prefix, _, size, sum in parts:
                if prefix is not None:
                    found[prefix] = found.get(prefix, Bucket()).plus(size, int(sum))
            after = next(part.last for part in parts if part.prefix is None)
        return found
    async for key, hash in _entities(pool, tenant, revision, rows, prefixes, first):
        if until is not None and key > until:
            break
        prefix = key_hash(key)[:digits]
        found[prefix] = found.get(prefix, Bucket()).plus(1, hash)
    return found


async def total(
    pool: Pool, tenant: str, revision: int, rows: SnapshotRows, first: str = "", until: str | None = None
) -> Bucket:
    """Returns the bucket of all rows, or of those after a key and up to another one."""
    whole = Bucket()
    for bucket in (await buckets(pool, tenant, revision, rows, ROOT, first, until)).values():
        whole = whole.plus(*bucket)
    return whole


async def hashes(
    pool: Pool, tenant: str, revision: int, rows: SnapshotRows, prefixes: Sequence[str], most: int
) -> dict[str, int]:
    """Returns key → hash of the rows in these buckets, whose prefixes have one length; about ``most``, if more."""
    found: dict[str, int] = {}
    if isinstance(rows, LinkRows):
        after: str | None = ""
        while after is not None and len(found) <= most:
            async with snapshot(pool, tenant, revision) as at:
                page = await _hashes(at, rows, after, prefixes)
            found |= {row.key: row.hash % 2**64 for row in page if row.key is not None}
            after = next(row.last for row in page if row.key is None)
        return found
    async for key, hash in _entities(pool, tenant, revision, rows, prefixes, ""):
        found[key] = hash
        if len(found) > most:
            break
    return found


async def _hashes(at: Snapshot, rows: LinkRows, after: str, prefixes: Sequence[str]) -> list[_HashedRow]:
    if rows.relationship.many:
        return await listed_rows.hashes(at, _HashedRow, rows.relationship, after, LINKS_AT_ONCE, prefixes)
    return await fetch_rows(
        at.conn,
        _HashedRow,
        "audit_link_rows",
        after=after,
        size=LINKS_AT_ONCE,
        prefixes=prefixes,
        **rows.arguments(at),
    )


async def _links(
    pool: Pool,
    tenant: str,
    revision: int,
    rows: LinkRows,
    after: str,
    prefixes: Sequence[str],
    digits: int,
    until: str | None,
) -> list[_BucketPart]:
    async with snapshot(pool, tenant, revision) as at:
        if rows.relationship.many:
            return await listed_rows.buckets(
                at, _BucketPart, rows.relationship, after, LINKS_AT_ONCE, prefixes, digits, until
            )
        return await fetch_rows(
            at.conn,
            _BucketPart,
            "audit_links",
            after=after,
            size=LINKS_AT_ONCE,
            prefixes=prefixes,
            digits=digits,
            until=until,
            **rows.arguments(at),
        )


async def _entities(
    pool: Pool, tenant: str, revision: int, rows: EntityRows, prefixes: Sequence[str], after: str
) -> AsyncIterator[tuple[str, int]]:
    """Yields key and hash of the rows in these buckets, by key."""
    while True:
        async with snapshot(pool, tenant, revision) as at:
            page = await snapshot_rows.entities(at, rows, after, ENTITIES_AT_ONCE, prefixes)
        if not page:
            return
        for row in page:
            if (kept := row.kept) is not None:
                yield row.key, row_hash(kept)
        after = page[-1].key
        await asyncio.sleep(0)  # others get a turn
