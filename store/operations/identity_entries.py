"""Makes Tether's own facts about pairs of keys, each at its place in the order of facts.

A fact takes the sequence and the time of the newest fact about its pair, and arrives after it; without one, the time of
the database. So it counts more than what it was decided on, and less than what the owner says next.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

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


class NamedMerge(Protocol):
    """A merge of losers into a survivor, with the id of the operation or request that records it."""

    @property
    def id(self) -> str: ...
    @property
    def survivor(self) -> str: ...
    @property
    def losers(self) -> tuple[str, ...]: ...
    @property
    def reason(self) -> str: ...


Place = tuple[str | None, int | None]
"""(sequence, time in nanoseconds since 1970)."""


async def of_undo(
    conn: Connection,
    tenant: str,
    kind: str,
    survivor: str,
    losers: Iterable[str],
    *,
    now: datetime,
    operation: str,
    data: dict[str, Any],
) -> list[Entry]:
    """The facts ``Unmerged`` about pairs of one survivor: one fact for each place.

    ``now``: the database's time; ``operation``: id of the one that records them; ``data``: further fields.
    """
    keys = sorted({*losers}, key=str.encode)
    places = await _places(conn, tenant, kind, [(loser, survivor) for loser in keys])
    return _entries(kind, "Unmerged", survivor, keys, places, now, operation, data)


async def of_merges(
    conn: Connection, tenant: str, kind: str, merges: Sequence[NamedMerge], *, now: datetime
) -> list[list[Entry]]:
    """The facts ``Merged`` of many merges of one kind: those of each. ``now``: the database's time."""
    pairs = [(loser, merge.survivor) for merge in merges for loser in merge.losers]
    places = await _places(conn, tenant, kind, pairs) if pairs else {}
    return [
        _entries(
            kind,
            "Merged",
            merge.survivor,
            sorted(merge.losers, key=str.encode),
            places,
            now,
            merge.id,
            {"merge": merge.id, "reason": merge.reason} if merge.reason else {"merge": merge.id},
        )
        for merge in merges
    ]


async def _places(
    conn: Connection, tenant: str, kind: str, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Place]:
    """Where the newest facts about pairs (loser, survivor) are, of those about which there is one."""
    losers, survivors = [loser for loser, _ in pairs], [survivor for _, survivor in pairs]
    rows = await fetch_rows(
        conn, _PlaceOfPair, "places_of_merge_pairs", tenant=tenant, kind=kind, losers=losers, survivors=survivors
    )
    return {(row.one, row.other): _place(row) for row in rows}


def _entries(
    kind: str,
    name: str,
    survivor: str,
    losers: Iterable[str],
    places: Mapping[tuple[str, str], Place],
    now: datetime,
    operation: str,
    data: dict[str, Any],
) -> list[Entry]:
    """The facts about pairs of one survivor. ``name``: of the facts; the others as those of `of_undo`."""
    by_place: dict[Place, list[str]] = {}
    for loser in losers:
        by_place.setdefault(places.get((loser, survivor), (None, nanoseconds_of(now, 0))), []).append(loser)
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
