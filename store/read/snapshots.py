"""Snapshots that are read over HTTP: what a relationship, kind or replica holds at one revision, as lines.

Every page is read in a short transaction of its own, as of the snapshot's revision: versions make that consistent,
however long the whole takes and whatever is written meanwhile. A row for each snapshot is its lease, which keeps
retention from trimming what it needs, and its progress. It does not depend on a process: a reader whose connection
breaks goes on after the last line that it has, at the same revision.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import NamedTuple

from catalog.catalog import Catalog
from errors import BadToken, Unknown
from store.db.pool import Pool, connection
from store.db.snapshot import snapshot
from store.db.sql import execute, fetch_row, fetch_value
from store.read import audits, listed_rows, snapshot_rows
from store.read.snapshot_lines import SnapshotLines
from store.read.snapshot_rows import EntityRows, LinkRows, SnapshotRows
from tether.audits import Bucket, row_hash

LINKS_AT_ONCE = 3_000
"""Links in a page: parents that they share are looked up once in each."""
ENTITIES_AT_ONCE = 1_000
"""Entities in a page, which is limited in bytes too."""
NOTED = 1.0
"""Seconds between two writes of the progress."""


class SnapshotRow(NamedTuple):
    """A row of ``snapshots``. ``time``: of its revision; ``leased``: whether it is still. ``counted_rows`` and
    ``counted_sum``: of the rows up to ``counted_key``."""

    id: str
    kind: str | None
    relationship: str | None
    replica: str | None
    revision: int
    time: datetime | None
    actor: str
    total: int | None
    rows_sent: int
    started_at: datetime
    last_read_at: datetime
    leased_until: datetime
    ended_at: datetime | None
    leased: bool
    counted_key: str
    counted_rows: int
    counted_sum: Decimal

    def rows(self, catalog: Catalog) -> SnapshotRows:
        """What it holds. Raises Unknown if that is not declared any more."""
        return snapshot_rows.rows_of(catalog, relationship=self.relationship, kind=self.kind, replica=self.replica)


class LinesPage(NamedTuple):
    """The lines of some rows. ``last``: the key after which to go on, None if there are no more; ``sum``: of their
    hashes."""

    lines: bytes
    last: str | None
    rows: int
    sum: int


async def begin(pool: Pool, tenant: str, rows: SnapshotRows, revision: int, actor: str, lease: float) -> SnapshotRow:
    """Begins a snapshot at a revision, leased for some seconds, and counts its rows."""
    names = {"kind": None, "relationship": None, "replica": None} | rows.filter
    async with connection(pool) as conn:
        id = await fetch_value(
            conn, "begin_snapshot_row", tenant=tenant, revision=revision, actor=actor, lease=lease, **names
        )
    async with snapshot(pool, tenant, revision) as at:
        total = await snapshot_rows.count(at, rows)
    async with connection(pool) as conn:
        await execute(conn, "count_snapshot_row", tenant=tenant, id=id, total=total)
    return await find(pool, tenant, id)


async def find(pool: Pool, tenant: str, id: str) -> SnapshotRow:
    """Returns a snapshot. Raises Unknown if there is none of this id."""
    async with connection(pool) as conn:
        row = await fetch_row(conn, SnapshotRow, "find_snapshot_row", tenant=tenant, id=id)
    if row is None:
        raise Unknown(f"no snapshot {id!r}: it may have been given up long ago; start a new one")
    return row


async def resumed(pool: Pool, tenant: str, cursor: str) -> tuple[SnapshotRow, str]:
    """Returns the snapshot that a cursor is of, and the key after which to go on; empty: before the first.

    ``cursor``: the ``id`` of the last line that was received. Raises BadToken for none of a snapshot, Unknown.
    """
    id, _, key = cursor.partition("/")
    if not id or "\0" in cursor:
        raise BadToken("the cursor is not the `id` of a line of a snapshot; leave it out to start a new one")
    return await find(pool, tenant, id), key


async def lines(
    pool: Pool, tenant: str, row: SnapshotRow, rows: SnapshotRows, after: str, lease: float, size: int | None = None
) -> AsyncGenerator[bytes, None]:
    """Yields the lines of a snapshot, many at a time: the first one, those after a key, and the last one.

    The next page of ``size`` rows (None: as many as suits them) is read while the present one is sent, and no further
    ones. ``lease``: seconds for which it is prolonged while it is read.

    Raises Expired if it had lapsed and something of it was trimmed, Unavailable.
    """
    reader = _Reader(pool, tenant, row, rows, size)
    yield reader.lines.start(rows, row.total or 0)
    whole, sent, noted = await _bucket_before(pool, tenant, row, rows, after), 0, monotonic()
    page = await reader.page(after)
    while page.last is not None:
        coming = asyncio.create_task(reader.page(page.last))
        try:
            if page.lines:
                yield page.lines
            whole, sent = whole.plus(page.rows, page.sum), sent + page.rows
            after = page.last
            if monotonic() - noted >= NOTED:
                await _note(pool, tenant, row.id, sent, lease, after, whole)
                sent, noted = 0, monotonic()
            page = await coming
        finally:
            if not coming.done():
                coming.cancel()
                with suppress(asyncio.CancelledError):
                    await coming
    await _note(pool, tenant, row.id, sent, lease, after, whole, ended=True)
    yield reader.lines.end(whole)


async def _bucket_before(pool: Pool, tenant: str, row: SnapshotRow, rows: SnapshotRows, after: str) -> Bucket:
    """The bucket of the rows up to a key. Reads those between it and the key that was noted last, which may be a later
    one: what was sent may not have arrived."""
    if not after:
        return Bucket()
    noted = Bucket(row.counted_rows, int(row.counted_sum))
    first, last = sorted((row.counted_key, after))
    between = await audits.total(pool, tenant, row.revision, rows, first, last)
    sign = 1 if last == after else -1
    return noted.plus(sign * between.rows, sign * between.sum)


async def _note(
    pool: Pool, tenant: str, id: str, rows: int, lease: float, key: str, whole: Bucket, *, ended: bool = False
) -> None:
    """Notes that so many more rows were sent, and the bucket of all rows up to a key."""
    async with connection(pool) as conn:
        await execute(
            conn,
            "prolong_snapshot_row",
            tenant=tenant,
            id=id,
            rows=rows,
            lease=lease,
            key=key,
            counted=whole.rows,
            sum=str(whole.sum),
            ended=ended,
        )


class _Reader:
    """Reads pages of one snapshot."""

    def __init__(self, pool: Pool, tenant: str, row: SnapshotRow, rows: SnapshotRows, size: int | None) -> None:
        self._pool = pool
        self._size = size or (LINKS_AT_ONCE if isinstance(rows, LinkRows) else ENTITIES_AT_ONCE)
        self._tenant = tenant
        self._row = row
        self._rows = rows
        self.lines = SnapshotLines(tenant, row.id, row.revision, row.time)

    async def page(self, after: str) -> LinesPage:
        if isinstance(self._rows, LinkRows):
            return await self._links(self._rows, after)
        return await self._entities(self._rows, after)

    async def _links(self, rows: LinkRows, after: str) -> LinesPage:
        async with snapshot(self._pool, self._tenant, self._row.revision) as at:
            texts = self.lines.link_texts(rows)
            if rows.relationship.many:
                page = await listed_rows.lines(at, LinesPage, rows.relationship, after, self._size, texts)
                return page._replace(sum=int(page.sum))
            found = await fetch_row(
                at.conn, LinesPage, "snapshot_links", after=after, size=self._size, **rows.arguments(at), **texts
            )
        assert found is not None
        return found._replace(sum=int(found.sum))

    async def _entities(self, rows: EntityRows, after: str) -> LinesPage:
        async with snapshot(self._pool, self._tenant, self._row.revision) as at:
            found = await snapshot_rows.entities(at, rows, after, self._size)
        kept = [(row, values) for row in found if (values := row.kept) is not None]
        written = b"".join(self.lines.entity(rows.kind, row) for row, _ in kept)
        await asyncio.sleep(0)  # others get a turn before the hashes
        return LinesPage(
            written, found[-1].key if found else None, len(kept), sum(row_hash(values) for _, values in kept)
        )
