"""Reads the activity of an entity, in time order; of a merged one that of all its keys, as one feed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from catalog import limits
from facts.envelope import finer_nanoseconds, moment, nanoseconds_of
from store.db.snapshot import Snapshot
from store.db.sql import OPEN, fetch_rows, fetch_value
from store.read.activity_walk import Place, Row, Wanted, walk

_FIRST_MOMENT, _LAST_MOMENT = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_ALL_NANOSECONDS = 1_000
_BEGINNING = Place(nanoseconds_of(_FIRST_MOMENT, 0) or 0, 0)
_END = Place(nanoseconds_of(_LAST_MOMENT, _ALL_NANOSECONDS - 1) or 0, OPEN)
"""Before and after all places: positions begin with 1."""


class ActivityFilter(NamedTuple):
    """Which activity: of these types and sources, since a time, before another one; None: of all.

    ``since``, ``until``: in nanoseconds since 1970.
    """

    types: list[str] | None = None
    sources: list[str] | None = None
    since: int | None = None
    until: int | None = None


class ActivityItem(NamedTuple):
    """One fact of activity. ``origin``: the key it was recorded under; ``feed``, ``subject``: its own kind and key.

    ``place``: in time order; ``revision``: at which it was recorded.
    """

    feed: str
    subject: str
    origin: str
    place: Place
    revision: int
    received: datetime
    type: str
    source: str
    id: str
    data: dict[str, Any]


class _WalkedRow(NamedTuple):
    """A row of ``activity_before`` and ``activity_after``. ``n``: of its key, from 1."""

    n: int
    happened: datetime
    happened_nanoseconds: int
    position: int
    from_revision: int
    wanted: bool


class _ItemRow(NamedTuple):
    """A row of ``activity_items``. ``size``: bytes of its data."""

    feed: str
    subject: str
    origin: str
    happened: datetime
    happened_nanoseconds: int
    position: int
    revision: int
    received: datetime
    type: str
    source: str
    id: str
    data: dict[str, Any]
    size: int


async def page(
    at: Snapshot,
    kind: str,
    keys: Sequence[str],
    only: ActivityFilter,
    after: Place | None,
    limit: int,
    *,
    newest_first: bool = True,
) -> tuple[list[ActivityItem], Place | None]:
    """Returns up to ``limit`` items of all these keys of a kind, and the place after which there may be more.

    ``keys``: all origin keys of one entity; ``after``: the place at which the page before ended. A page whose data
    reaches the limit for pages, in bytes, ends with the item that does.
    """

    async def read(wanted: Sequence[Wanted]) -> list[list[Row]]:
        return await _read(at, kind, only, wanted, backward=newest_first)

    walked = await walk(read, keys, after or _start(only, newest_first), limit, backward=newest_first)
    rows = await fetch_rows(
        at.conn,
        _ItemRow,
        "activity_items",
        tenant=at.tenant,
        revisions=[row.revision for row in walked.rows],
        positions=[row.place.position for row in walked.rows],
        room=limits.PAGE,
    )
    items = [_item(row) for row in rows]
    return items, walked.next if len(items) == len(walked.rows) else items[-1].place


def _start(only: ActivityFilter, backward: bool) -> Place:
    if backward:
        return _END if only.until is None else Place(only.until, 0)
    return _BEGINNING if only.since is None else Place(only.since, 0)


def _end(only: ActivityFilter, backward: bool) -> dict[str, Any]:
    """The time at which the walk ends, as parameters of its query."""
    time = only.since if backward else only.until
    if time is not None:
        return {"end_time": moment(time), "end_nanoseconds": finer_nanoseconds(time)}
    if backward:
        return {"end_time": _FIRST_MOMENT, "end_nanoseconds": 0}
    return {"end_time": _LAST_MOMENT, "end_nanoseconds": _ALL_NANOSECONDS}


async def _read(
    at: Snapshot, kind: str, only: ActivityFilter, wanted: Sequence[Wanted], *, backward: bool
) -> list[list[Row]]:
    where = {
        "tenant": at.tenant,
        "kind": kind,
        "revision": at.revision,
        "types": only.types,
        "sources": only.sources,
        "keys": [one.key for one in wanted],
        "times": [moment(one.after.happened) for one in wanted],
        "nanoseconds": [finer_nanoseconds(one.after.happened) for one in wanted],
        "positions": [one.after.position for one in wanted],
        "sizes": [one.size for one in wanted],
        **_end(only, backward),
    }
    if backward:
        rows = await fetch_rows(at.conn, _WalkedRow, "activity_before", **where)
    else:
        rows = await fetch_rows(at.conn, _WalkedRow, "activity_after", **where)
    found: list[list[Row]] = [[] for _ in wanted]
    for row in rows:
        place = _place(row.happened, row.happened_nanoseconds, row.position)
        found[row.n - 1].append(Row(place, row.from_revision, row.wanted))
    return found


def _place(happened: datetime, finer: int, position: int) -> Place:
    return Place(nanoseconds_of(happened, finer) or 0, position)


def _item(row: _ItemRow) -> ActivityItem:
    return ActivityItem(
        feed=row.feed,
        subject=row.subject,
        origin=row.origin,
        place=_place(row.happened, row.happened_nanoseconds, row.position),
        revision=row.revision,
        received=row.received,
        type=row.type,
        source=row.source,
        id=row.id,
        data=row.data,
    )


async def has_activity(at: Snapshot, kind: str, key: str) -> bool:
    """Whether any activity was recorded under a key up to the snapshot's revision, even if it was voided since."""
    found: bool = await fetch_value(at.conn, "has_activity", tenant=at.tenant, kind=kind, key=key, revision=at.revision)
    return found
