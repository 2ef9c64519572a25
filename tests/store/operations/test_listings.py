"""Pages of operations and of their children: together exactly the rows that match, in order, with any filter."""

from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any, TypeVar

import pytest

from store.db import filtered_page
from store.db.pool import Pool
from store.operations import listings
from store.operations.children import ChildState
from store.operations.listings import OperationQuery
from store.operations.operation_row import OPEN, OperationKind, OperationState
from tests.support.recording import TENANT

KINDS: tuple[OperationKind, ...] = ("move", "cascade")
STATES: tuple[OperationState, ...] = ("waiting", "running", "done", "refused")
CHILD_STATES: tuple[ChildState, ...] = ("planned", "requested", "confirmed", "skipped", "parked")
OPERATIONS = """
insert into operations (tenant, id, kind, workflow, about, key, state, actor, created_at, cause)
select $1, 'o' || n, ($2::text[])[1 + n % 2], 'cascade', 'event', 'e' || n, ($3::text[])[1 + n % 4], 'test',
       '2026-01-01'::timestamptz + n / 3 * interval '1 second', case when n % 3 > 0 then 'o0' end
from generate_series(0, 59) n
"""
CHILDREN = """
insert into operation_children (tenant, operation, relationship, child, parent, state)
select $1, 'o' || n % 2, 'event_' || n / 30, 'c' || n, 'e', ($2::text[])[1 + n % 5] from generate_series(0, 59) n
"""

Row = TypeVar("Row")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtered_page, "SCANNED", 6)
    monkeypatch.setattr(filtered_page, "CHUNK", 3)


async def read_all(read: Callable[[Any, int], Awaitable[tuple[list[Row], Any]]], limit: int) -> list[Row]:
    """The rows of all pages; each holds as many as the limit at most."""
    found: list[Row] = []
    position = None
    for _ in range(100):
        rows, position = await read(position, limit)
        assert len(rows) <= limit
        found += rows
        if position is None:
            return found
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_pages_are_exactly_the_operations_that_match(pool: Pool, limit: int) -> None:
    await pool.execute(OPERATIONS, TENANT, KINDS, STATES)
    every = await read_all(lambda at, size: listings.operations_page(pool, TENANT, OperationQuery(), at, size), limit)
    assert [(row.created_at, row.id) for row in every] == sorted(((r.created_at, r.id) for r in every), reverse=True)
    assert len(every) == 60
    for kind, states, cause in product((None, *KINDS), (None, OPEN, *((s,) for s in STATES)), (None, "o0")):
        query = OperationQuery(kind, states, cause)
        found = await read_all(lambda at, size, q=query: listings.operations_page(pool, TENANT, q, at, size), limit)  # type: ignore[misc]
        assert [row.id for row in found] == [
            row.id
            for row in every
            if kind in (None, row.kind) and (states is None or row.state in states) and cause in (None, row.cause)
        ]


@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_pages_are_exactly_the_children_in_a_state(pool: Pool, limit: int) -> None:
    await pool.execute(OPERATIONS, TENANT, KINDS, STATES)
    await pool.execute(CHILDREN, TENANT, CHILD_STATES)
    every = await read_all(lambda at, size: listings.children_page(pool, TENANT, "o1", None, at, size), limit)
    keys = [(row.relationship, row.child) for row in every]
    assert (keys, len(keys)) == (sorted(keys), 30)
    for state in CHILD_STATES:
        found = await read_all(lambda at, size, s=state: listings.children_page(pool, TENANT, "o1", s, at, size), limit)  # type: ignore[misc]
        assert found == [row for row in every if row.state == state]
