"""Walking the lists of several keys as one: the result is their sorted union, and few rows are read for it."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.read.activity_walk import Place, Row, Wanted, walk

BEGIN, END = Place(-1, 0), Place(10**9, 0)


class Lists:
    """Rows of keys, in memory. ``read``: how many were read; ``most``: in how many steps."""

    def __init__(self, times: Sequence[Sequence[int]], wanted: Sequence[int] = range(10**6)) -> None:
        self._wanted = frozenset(wanted) if not isinstance(wanted, range) else wanted
        self.read, self.steps = 0, 0
        self.lists: dict[str, list[Row]] = {}
        position = 0
        for key, of_one in enumerate(times):
            self.lists[str(key)] = []
            for time in of_one:
                position += 1
                self.lists[str(key)].append(Row(Place(time, position), 1, position in self._wanted))

    def sorted(self, *, backward: bool) -> list[Row]:
        """All rows that are wanted, in the order of the walk."""
        every = (row for rows in self.lists.values() for row in rows if row.wanted)
        return sorted(every, key=lambda row: row.place, reverse=backward)

    async def page(self, after: Place, limit: int, *, backward: bool) -> tuple[list[Row], Place | None]:
        """One page of all keys."""

        async def read(wanted: Sequence[Wanted]) -> list[list[Row]]:
            self.steps += 1
            found = []
            for one in wanted:
                ordered = sorted(self.lists[one.key], key=lambda row: row.place, reverse=backward)
                later = [row for row in ordered if (row.place < one.after if backward else row.place > one.after)]
                found.append(later[: one.size])
            self.read += sum(map(len, found))
            return found

        return await walk(read, list(self.lists), after, limit, backward=backward)


@given(
    times=st.lists(st.lists(st.integers(0, 20), max_size=30), min_size=1, max_size=6),
    wanted=st.sets(st.integers(1, 180)),
    limit=st.integers(1, 20),
    backward=st.booleans(),
    all_wanted=st.booleans(),
)
async def test_pages_are_the_sorted_union(
    times: list[list[int]], wanted: set[int], limit: int, backward: bool, all_wanted: bool
) -> None:
    lists = Lists(times) if all_wanted else Lists(times, sorted(wanted))
    after: Place | None = END if backward else BEGIN
    found: list[Row] = []
    while after is not None:
        rows, after = await lists.page(after, limit, backward=backward)
        assert len(rows) == limit or after is None
        found += rows
    assert found == lists.sorted(backward=backward)


def burst(key: int, size: int) -> list[int]:
    return list(range(key * size, (key + 1) * size))


SHAPES: dict[str, Callable[[int, int, Random], list[int]]] = {
    "evenly": lambda key, keys, random: list(range(key, 300 * keys, keys)),
    "at random": lambda key, keys, random: [random.randrange(10**6) for _ in range(300)],
    "in bursts": lambda key, keys, random: burst(key, 300),
    "of one key mostly": lambda key, keys, random: burst(0, 3_000) if key == 0 else [key],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("keys", [1, 10, 200])
@pytest.mark.parametrize("backward", [True, False])
async def test_page_reads_one_row_of_each_key_and_few_more(shape: str, keys: int, backward: bool) -> None:
    lists = Lists([SHAPES[shape](key, keys, Random(key)) for key in range(keys)])
    rows, _ = await lists.page(END if backward else BEGIN, 100, backward=backward)
    assert rows == lists.sorted(backward=backward)[:100]
    assert lists.read <= max(keys, 101) + 7 * 101
    assert lists.steps <= 9
