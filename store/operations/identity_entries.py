"""Makes Tether's own facts about pairs of keys, each at its place in the order of facts.

A fact takes the sequence and the time of the newest fact about its pair, and arrives after it; without one, the time of
the database. So it counts more than what it was decided on, and less than what the owner says next.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, NamedTuple

from facts import own_facts
from facts.envelope import Entry, nanoseconds_of
from facts.identity import Pair, forbidden_pair
from store.db.pool import Connection
from store.db.sql import fetch_rows


class _PlaceOfPair(NamedTuple):
    """Where the newest fact about a pair is. ``finer``: nanoseconds of its time after the last whole microsecond."""

    one: str
    other: str
    sequence: str | None
    time: datetime | None
    finer: int


Place = tuple[str | None, int | None]
"""(sequence, time in nanoseconds since 1970)."""


async def of_merge(
    conn: Connection,
    tenant: str,
    kind: str,
    name: Literal["Merged", "Unmerged"],
    survivor: str,
    losers: Iterable[str],
    *,
    now: datetime,
    operation: str,
    data: dict[str, Any],
) -> list[Entry]:
    """The facts ``Merged`` or ``Unmerged`` about pairs of one survivor: one fact for each place.

    ``now``: the database's time; ``operation``: id of the one that records them; ``data``: further fields.
    """
    keys = sorted({*losers}, key=str.encode)
    survivors = [survivor] * len(keys)
    rows = await fetch_rows(
        conn, _PlaceOfPair, "places_of_merge_pairs", tenant=tenant, kind=kind, losers=keys, survivors=survivors
    )
    places = {row.one: _place(row) for row in rows}
    by_place: dict[Place, list[str]] = {}
    for key in keys:
        by_place.setdefault(places.get(key, (None, nanoseconds_of(now, 0))), []).append(key)
    return [
        own_facts.entry(
            name,
            kind,
            survivor,
            {"survivor": survivor, "losers": of_place, **data},
            id=own_facts.derived_id(name, operation, *place),
            sequence=place[0],
            time=place[1],
            correlation=operation,
        )
        for place, of_place in by_place.items()
    ]


async def of_forbidden(
    conn: Connection,
    tenant: str,
    kind: str,
    name: Literal["MergeForbidden", "MergeForbiddenLifted"],
    one: str,
    other: str,
    *,
    now: datetime,
    id: str,
    data: dict[str, Any],
) -> Entry:
    """The fact that a pair must never be merged, or may be again. ``now``: the database's time; ``id``: of the fact;
    ``data``: further fields."""
    pair = Pair(*forbidden_pair(kind, one, other))
    rows = await fetch_rows(
        conn, _PlaceOfPair, "places_of_forbidden_pairs", tenant=tenant, kind=kind, ones=[pair.one], others=[pair.other]
    )
    sequence, time = _place(rows[0]) if rows else (None, nanoseconds_of(now, 0))
    fields = {"one": pair.one, "other": pair.other, **data}
    return own_facts.entry(name, kind, pair.one, fields, id=id, sequence=sequence, time=time)


def _place(row: _PlaceOfPair) -> Place:
    return row.sequence, nanoseconds_of(row.time, row.finer)
