"""Pages of rows of which a filter may exclude most.

Rows are read along an index, and those that the filter excludes are read all the same. So a page reads a bounded number
of rows: it may hold fewer than its limit, even none, and there are more as long as it has a position to go on from.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

SCANNED = 20_000
"""Rows that one page reads, about."""
CHUNK = 1_000
"""Rows read at a time where a filter may exclude most of them."""

Row = TypeVar("Row")
Position = TypeVar("Position", bound=Sequence[Any])


class ReadRows(NamedTuple, Generic[Row, Position]):
    """Rows in their order; the position to go on from (None: there are no more); how many rows were read for them."""

    rows: list[Row]
    position: Position | None
    scanned: int


def read_rows(
    rows: list[Row], size: int, place: Callable[[Row], Position], *, filtered: bool = False
) -> ReadRows[Row, Position]:
    """The rows that a query has returned, which was to read up to ``size``. ``place``: the position after a row.

    ``filtered``: the query has left out what does not match, except the last row that it has read.
    """
    more = bool(rows) if filtered else len(rows) == size
    return ReadRows(rows, place(rows[-1]) if more else None, size if filtered else len(rows))


async def filtered_page(
    read: Callable[[Position | None, int], Awaitable[ReadRows[Row, Position]]],
    place: Callable[[Row], Position],
    after: Position | None,
    limit: int,
    matches: Callable[[Row], bool] | None = None,
) -> tuple[list[Row], Position | None]:
    """Returns up to ``limit`` rows after a position, and the position of the next page; None: this is the last one.

    ``read``: reads a batch of about that many rows after a position, from the first if it is None. ``place``: the
    position after a row. ``matches``: the filter; None: all rows match.
    """
    found: list[Row] = []
    position, scanned, more = after, 0, True
    size = limit + 1 if matches is None else max(limit + 1, CHUNK)
    while more and len(found) <= limit and scanned < SCANNED:
        some = await read(position, size)
        found += some.rows if matches is None else filter(matches, some.rows)
        position, more, scanned = some.position, some.position is not None, scanned + some.scanned
    if len(found) > limit:
        return found[:limit], place(found[limit - 1])
    return found, position
