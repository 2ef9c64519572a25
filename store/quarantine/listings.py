"""Lists the quarantine: events one by one, and groups of them by cause."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from catalog import limits
from errors import Unknown
from messages.quarantine_reasons import Cause
from store.db.filtered_page import SCANNED
from store.db.pool import Connection
from store.db.sql import OPEN, fetch_row, fetch_rows

TYPE = 256
"""Characters of a type that distinguish causes."""
HOURS = 24
DAYS = 7
SAMPLES = 3
"""Newest events that stand for a group."""


class KeptEvent(NamedTuple):
    """A row of the quarantine.

    ``publisher``: the owner whose facts its sender may publish, empty: any; None: an earlier version did not keep it.
    """

    id: int
    source: str | None
    event_id: str | None
    type: str | None
    code: str
    field: str
    reason: str
    raw: bytes
    actor: str
    publisher: str | None
    first_received: datetime
    received: datetime
    times: int

    @property
    def cause(self) -> Cause:
        """What it is grouped by."""
        return Cause((self.type or "")[:TYPE], self.code, self.field)


class EventFilter(NamedTuple):
    """Which events of the quarantine: those with all of these values, unless None."""

    type: str | None = None
    code: str | None = None
    field: str | None = None
    source: str | None = None
    actor: str | None = None

    def matches(self, event: KeptEvent) -> bool:
        """Whether an event is one of them."""
        found = (*event.cause, event.source, event.actor)
        return all(value in (None, has) for value, has in zip(self, found, strict=True))


class SampleEvent(NamedTuple):
    """One of the newest events of a group."""

    id: int
    source: str | None
    event_id: str | None
    reason: str


class _GroupRow(NamedTuple):
    type: str
    code: str
    field: str
    events: int
    bytes: int
    first_seen: datetime
    last_seen: datetime
    passes: bool


class _HourRow(NamedTuple):
    place: int
    hours_ago: int
    received: int


class _SampleRow(NamedTuple):
    place: int
    id: int
    source: str | None
    event_id: str | None
    reason: str


@dataclass(slots=True)
class QuarantineGroup:
    """The events of one cause. ``per_hour``: how many were received in each of the last 24 hours of the clock, the
    present one last; ``per_day``: in each of the last 7 times 24 of them."""

    cause: Cause
    events: int
    bytes: int
    first_seen: datetime
    last_seen: datetime
    per_hour: list[int] = field(default_factory=lambda: [0] * HOURS)
    per_day: list[int] = field(default_factory=lambda: [0] * DAYS)
    samples: list[SampleEvent] = field(default_factory=list)


async def page(
    conn: Connection, tenant: str, wanted: EventFilter, before: int | None, limit: int
) -> tuple[list[KeptEvent], int | None]:
    """Returns up to ``limit`` events, newest first, and the id before which the next page begins; None: there is none.

    ``before``: None for the first page. A page may hold fewer than ``limit``, even none, although there are more: it is
    limited in bytes, too, and with a filter in how many events it reads.
    """
    end = OPEN if before is None else before  # the greatest bigint: a null would keep the index from being used
    at = {"tenant": tenant, "before": end, "room": limits.PAGE}
    of_cause = None not in wanted[:3] and wanted[3:] == (None, None)
    if not of_cause and any(value is not None for value in wanted):
        rows = await fetch_rows(
            conn, KeptEvent, "quarantine_filtered", **at, **wanted._asdict(), size=limit, scanned=SCANNED
        )
        return [row for row in rows if wanted.matches(row)], rows[-1].id if rows else None
    if of_cause:
        cause = {"type": wanted.type, "code": wanted.code, "field": wanted.field}
        rows = await fetch_rows(conn, KeptEvent, "quarantine_of_cause", **at, **cause, size=limit + 1)
    else:
        rows = await fetch_rows(conn, KeptEvent, "quarantine_page", **at, size=limit + 1)
    more = len(rows) > limit or sum(len(row.raw) for row in rows) >= limits.PAGE
    rows = rows[:limit]
    return rows, rows[-1].id if more else None


async def find(conn: Connection, tenant: str, id: int) -> KeptEvent:
    """One event of the quarantine. Raises Unknown."""
    row = await fetch_row(conn, KeptEvent, "quarantined_event", tenant=tenant, id=id)
    if row is None:
        raise Unknown(f"no event {id} is in quarantine: it was redriven, discarded or trimmed; list the quarantine")
    return row


async def groups(
    conn: Connection, tenant: str, wanted: EventFilter, after: Cause | None, limit: int
) -> tuple[list[QuarantineGroup], Cause | None]:
    """Returns up to ``limit`` groups by type, code and field, and the cause after which the next page begins; None:
    this is the last one.

    ``wanted``: its type, code and field. ``after``: None for the first page. Reads sums, which are kept.
    """
    place = after or Cause("", "", "")
    filtered = any(value is not None for value in wanted)
    rows = await fetch_rows(
        conn,
        _GroupRow,
        "quarantine_groups_page",
        tenant=tenant,
        type=wanted.type,
        code=wanted.code,
        field=wanted.field,
        after_type=place.type,
        after_code=place.code,
        after_field=place.field,
        size=limit if filtered else limit + 1,
        scanned=SCANNED if filtered else limit + 1,
    )
    more = bool(rows) if filtered else len(rows) > limit
    rows = rows[: limit + filtered]
    found = [QuarantineGroup(Cause(*row[:3]), *row[3:-1]) for row in rows if row.passes]
    await _add_details(conn, tenant, found)
    return found, Cause(*rows[-1][:3]) if more else None


async def _add_details(conn: Connection, tenant: str, found: Sequence[QuarantineGroup]) -> None:
    causes = {
        "types": [one.cause.type for one in found],
        "codes": [one.cause.code for one in found],
        "fields": [one.cause.field for one in found],
    }
    for hour in await fetch_rows(conn, _HourRow, "quarantine_trends", tenant=tenant, **causes, hours=HOURS * DAYS):
        group, ago = found[hour.place - 1], hour.hours_ago
        group.per_day[DAYS - 1 - ago // HOURS] += hour.received
        if ago < HOURS:
            group.per_hour[HOURS - 1 - ago] += hour.received
    for row in await fetch_rows(conn, _SampleRow, "quarantine_samples", tenant=tenant, **causes, size=SAMPLES):
        found[row.place - 1].samples.append(SampleEvent(*row[1:]))
