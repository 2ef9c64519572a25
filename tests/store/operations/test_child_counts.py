"""The counts of an operation, which database triggers derive from the changes of its children's states."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.db.pool import Pool
from tests.support.tenants import in_a_database

STATES = ("listed", "planned", "failing", "unanswered", "requested", "confirmed", "skipped", "parked")
CHILDREN = tuple("abcdef")
OPERATION = """
insert into operations (tenant, id, kind, workflow, about, key, state, actor, created_at, remaining)
values ('main', $1, 'delete', $2, 'event', 'e', 'running', 'test', now(), $3)
"""


class Sums(NamedTuple):
    """The counts of an operation, or what a change adds to them. ``remaining`` is reduced by ``found``, down to 0."""

    found: int = 0
    requested: int = 0
    confirmed: int = 0
    skipped: int = 0
    parked: int = 0


ADDED = {
    ("none", "listed"): Sums(found=1),
    ("none", "planned"): Sums(found=1),
    ("none", "skipped"): Sums(found=1, skipped=1),
    ("confirmed", "planned"): Sums(found=1),
    ("skipped", "planned"): Sums(found=1),
    ("listed", "requested"): Sums(requested=1),
    ("planned", "requested"): Sums(requested=1),
    ("failing", "requested"): Sums(requested=1),
    ("unanswered", "requested"): Sums(requested=1),
    ("requested", "failing"): Sums(requested=-1),
    ("requested", "unanswered"): Sums(requested=-1),
    ("listed", "parked"): Sums(parked=1),
    ("planned", "parked"): Sums(parked=1),
    ("failing", "parked"): Sums(parked=1),
    ("unanswered", "parked"): Sums(parked=1),
    ("requested", "parked"): Sums(requested=-1, parked=1),
    ("parked", "failing"): Sums(parked=-1),
    ("parked", "unanswered"): Sums(parked=-1),
    ("listed", "confirmed"): Sums(confirmed=1),
    ("planned", "confirmed"): Sums(requested=1, confirmed=1),
    ("failing", "confirmed"): Sums(requested=1, confirmed=1),
    ("unanswered", "confirmed"): Sums(requested=1, confirmed=1),
    ("requested", "confirmed"): Sums(confirmed=1),
    ("parked", "confirmed"): Sums(confirmed=1, parked=-1),
    ("listed", "skipped"): Sums(skipped=1),
    ("planned", "skipped"): Sums(skipped=1),
    ("failing", "skipped"): Sums(skipped=1),
    ("unanswered", "skipped"): Sums(requested=1, skipped=1),
    ("requested", "skipped"): Sums(skipped=1),
    ("parked", "skipped"): Sums(skipped=1, parked=-1),
}


async def start(pool: Pool, operation: str, workflow: str = "cascade", remaining: int = 0) -> None:
    await pool.execute(OPERATION, operation, workflow, remaining)


async def write(pool: Pool, operation: str, children: Sequence[tuple[str, str]]) -> None:
    """Inserts or updates (child, state) in one statement."""
    await pool.execute(
        """
        insert into operation_children (tenant, operation, relationship, child, parent, state, reference, sent)
        select 'main', $1, 'event_team', c.child, 'e',
               case c.state when 'listed' then 'planned' when 'unanswered' then 'failing' else c.state end,
               case c.state when 'listed' then ''::bytea else 'r' end, c.state = 'unanswered'
        from unnest($2::text[], $3::text[]) as c (child, state)
        on conflict (tenant, operation, relationship, child) do update
        set state = excluded.state, reference = excluded.reference, sent = excluded.sent
        """,
        operation,
        [child for child, _ in children],
        [state for _, state in children],
    )


async def sums(pool: Pool, operation: str) -> Sums:
    query = "select found, requested, confirmed, skipped, parked from operations where tenant = 'main' and id = $1"
    row = await pool.fetchrow(query, operation)
    assert row is not None
    return Sums(*row)


@pytest.mark.parametrize("before", ["none", *STATES])
async def test_change_of_state_adds_the_counts_of_the_table(pool: Pool, before: str) -> None:
    added = {}
    for after in STATES:
        operation = f"{before}-{after}"
        await start(pool, operation)
        if before != "none":
            await write(pool, operation, [("a", before)])
        start_sums = await sums(pool, operation)
        await write(pool, operation, [("a", after)])
        now = await sums(pool, operation)
        added[before, after] = Sums(*(b - a for a, b in zip(start_sums, now, strict=True)))
    assert added == {change: ADDED.get(change, Sums()) for change in product([before], STATES)}


async def test_transitions_in_the_database_are_those_of_this_test(pool: Pool) -> None:
    rows = await pool.fetch("select * from child_transitions")
    assert {(row["before"], row["after"]): Sums(*list(row)[2:]) for row in rows} == ADDED


class History:
    """The counts by definition: computed from the present and the former states of the children."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.openings = self.requests_ended = self.confirmations = self.skips = 0

    def write(self, child: str, state: str) -> None:
        before = self.states.get(child, "none")
        self.openings += before == "none" or (before in ("confirmed", "skipped") and state == "planned")
        self.confirmations += before != state == "confirmed"
        self.skips += before != state == "skipped"
        known_requested = before in ("requested", "unanswered") and state in ("confirmed", "skipped")
        self.requests_ended += known_requested or (before in ("planned", "failing") and state == "confirmed")
        self.states[child] = state

    @property
    def sums(self) -> Sums:
        now = list(self.states.values())
        requested = now.count("requested") + self.requests_ended
        return Sums(self.openings, requested, self.confirmations, self.skips, now.count("parked"))


NEXT = {
    "none": ("planned", "skipped"),
    "planned": ("failing", "unanswered", "requested", "confirmed", "skipped", "parked"),
    "failing": ("failing", "unanswered", "requested", "confirmed", "skipped", "parked"),
    "unanswered": ("unanswered", "requested", "confirmed", "skipped", "parked"),
    "requested": ("requested", "failing", "unanswered", "confirmed", "skipped", "parked"),
    "confirmed": ("planned",),
    "skipped": ("planned",),
    "parked": ("failing", "unanswered", "confirmed", "skipped"),
}
"""State → the states to which the queries of the store change it."""


@given(data=st.data())
@in_a_database
async def test_sums_equal_counts_over_the_history_of_the_children(pool: Pool, data: st.DataObject) -> None:
    operation = await pool.fetchval("select gen_random_uuid()::text")
    await start(pool, operation)
    history = History()
    for chosen in data.draw(st.lists(st.sets(st.sampled_from(CHILDREN), min_size=1), min_size=1, max_size=12)):
        changes = [
            (child, data.draw(st.sampled_from(NEXT[history.states.get(child, "none")]))) for child in sorted(chosen)
        ]
        await write(pool, operation, changes)
        for child, state in changes:
            history.write(child, state)
        assert await sums(pool, operation) == history.sums


async def test_remaining_is_reduced_by_what_is_found_and_never_negative(pool: Pool) -> None:
    await start(pool, "o", remaining=3)
    for children, remaining in (("ab", 1), ("cd", 0)):
        await write(pool, "o", [(child, "planned") for child in children])
        assert await pool.fetchval("select remaining from operations where id = 'o'") == remaining


async def test_plan_keeps_the_number_of_children_it_found(pool: Pool) -> None:
    await start(pool, "p", workflow="plan")
    await write(pool, "p", [("a", "listed"), ("b", "listed")])
    for state in ("planned", "skipped", "planned"):
        await write(pool, "p", [("a", state)])
    assert await sums(pool, "p") == Sums(found=2, skipped=1)


async def test_change_of_one_operation_leaves_the_sums_of_others(pool: Pool) -> None:
    for operation in ("o", "p"):
        await start(pool, operation)
        await write(pool, operation, [("a", "planned")])
    await pool.execute("update operation_children set state = 'requested' where operation = 'o'")
    assert (await sums(pool, "o"), await sums(pool, "p")) == (Sums(found=1, requested=1), Sums(found=1))
