"""Walks the activity of several keys as one list, in time order, and reads little more of each than the list takes.

The lists of the keys are merged. At first each gives a few rows, one if there are many keys. More is read only of keys
whose last row is still within what is wanted, each time as much as was read of it before. So a page of 100 reads about
100 rows of one key, two or three times as many of ten keys, and of 1,000 keys one row each and some hundred more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple, TypeAlias

SECONDS = 1.0
"""Time after which a walk ends with what it has, where a filter excludes most rows."""
LARGEST = 5_000
"""Rows that are read of one key at a time."""


class Place(NamedTuple):
    """A place in time order. ``happened``: in nanoseconds since 1970; ``position``: of the fact in the ledger."""

    happened: int
    position: int


class Row(NamedTuple):
    """A row that was read. ``wanted``: whether the filter lets it through; ``revision``: at which it was recorded."""

    place: Place
    revision: int
    wanted: bool


class Wanted(NamedTuple):
    """The next rows of one key: up to ``size``, after ``after``."""

    key: str
    after: Place
    size: int


Read: TypeAlias = Callable[[Sequence[Wanted]], Awaitable[list[list[Row]]]]
"""Reads the rows of each of several keys, in the direction of the walk."""


class Walked(NamedTuple):
    """``rows``: those that are wanted, in order; ``next``: where more may follow; None: there is no more."""

    rows: list[Row]
    next: Place | None


@dataclass(slots=True)
class _Key:
    """One list. ``last``: the place up to which it was read; ``read``: rows so far; ``ended``: whether that is all."""

    key: str
    last: Place
    read: int = 0
    ended: bool = False


async def walk(read: Read, keys: Sequence[str], after: Place, limit: int, *, backward: bool) -> Walked:
    """Returns up to ``limit`` rows of all keys together after a place, in time order.

    ``read``: reads rows of single keys; ``backward``: from the newest to the oldest. The walk may end with fewer, if a
    filter excludes most rows: it goes on from ``next``.
    """
    lists = [_Key(key, after) for key in keys]
    found: list[Row] = []
    size, end = -(-(limit + 1) // max(len(lists), 1)), monotonic() + SECONDS
    reading = lists
    while reading:
        wanted = [Wanted(one.key, one.last, min(one.read or size, LARGEST)) for one in reading]
        for one, part, rows in zip(reading, wanted, await read(wanted), strict=True):
            one.read += len(rows)
            one.ended = len(rows) < part.size
            one.last = rows[-1].place if rows else one.last
            found += [row for row in rows if row.wanted]
        found.sort(key=lambda row: row.place, reverse=backward)
        del found[limit + 1 :]
        full = found[limit].place if len(found) > limit else None
        reading = [one for one in lists if not one.ended and (full is None or _is_before(one.last, full, backward))]
        if reading and monotonic() > end:
            first = (max if backward else min)(one.last for one in reading)
            rows = [row for row in found if not _is_before(first, row.place, backward)][:limit]
            return Walked(rows, rows[-1].place if len(rows) == limit else first)
    return Walked(found[:limit], found[limit - 1].place if len(found) > limit else None)


def _is_before(one: Place, other: Place, backward: bool) -> bool:
    """Whether a walk comes to one place before the other."""
    return one > other if backward else one < other
