"""The decision tables of which instances a change concerns and which cascades an event concerns, row by row."""

from itertools import product
from typing import Any

import pytest

from store.db.pool import Pool
from store.db.sql import OPEN, execute
from store.write.effects import Change, effects

# change, requested, placeholder, always → may begin to wait, may stop waiting, workflow is notified
TABLE: list[tuple[Change, int, int, int, int, int, int]] = [
    ("parent_changed", 0, 0, 0, 0, 0, 0),
    ("parent_changed", 0, 0, 1, 0, 0, 1),
    ("parent_changed", 0, 1, 0, 0, 1, 0),
    ("parent_changed", 0, 1, 1, 0, 1, 1),
    ("parent_changed", 1, 0, 0, 1, 1, 0),
    ("parent_changed", 1, 0, 1, 1, 1, 1),
    ("parent_changed", 1, 1, 0, 1, 1, 0),
    ("parent_changed", 1, 1, 1, 1, 1, 1),
    ("child_linked", 0, 0, 0, 0, 0, 0),
    ("child_linked", 0, 0, 1, 0, 0, 1),
    ("child_linked", 0, 1, 0, 1, 0, 0),
    ("child_linked", 0, 1, 1, 1, 0, 1),
    ("child_linked", 1, 0, 0, 0, 1, 0),
    ("child_linked", 1, 0, 1, 0, 1, 1),
    ("child_linked", 1, 1, 0, 1, 1, 0),
    ("child_linked", 1, 1, 1, 1, 1, 1),
    ("child_unlinked", 0, 0, 0, 0, 0, 0),
    ("child_unlinked", 0, 0, 1, 0, 0, 1),
    ("child_unlinked", 0, 1, 0, 0, 1, 0),
    ("child_unlinked", 0, 1, 1, 0, 1, 1),
    ("child_unlinked", 1, 0, 0, 1, 1, 0),
    ("child_unlinked", 1, 0, 1, 1, 1, 1),
    ("child_unlinked", 1, 1, 0, 1, 1, 0),
    ("child_unlinked", 1, 1, 1, 1, 1, 1),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: "-".join(map(str, row[:4])))
def test_effects_of_a_change_on_an_instance(row: tuple[Change, int, int, int, int, int, int]) -> None:
    change, requested, placeholder, always, *expected = row
    found = effects(change, requested=bool(requested), placeholder=bool(placeholder), always=bool(always))
    assert found == tuple(map(bool, expected))


def test_table_of_effects_has_every_combination() -> None:
    changes = ("parent_changed", "child_linked", "child_unlinked")
    assert [row[:4] for row in TABLE] == list(product(changes, (0, 1), (0, 1), (0, 1)))


STATES = ("none", "requested", "running", "incomplete", "done")
NOTIFIED = {
    ("children_to_delete", True): set(STATES),
    ("children_to_delete", False): set(),
    ("child_unlinked", True): {"incomplete"},
    ("child_unlinked", False): {"incomplete", "running"},
    ("recreated", True): set(STATES),
    ("recreated", False): {"running"},
}
"""(event, whether the deleted entity has children) → the states of its cascade in which the cascade is notified."""
CHILDREN = {(True, None): False, (True, False): True, (True, True): True, (False, False): False, (False, True): True}
"""(the entity is deleted; its link is of a former incarnation, None: none) → whether the deleted one has children.
Any child may be one of an entity that was just recreated."""

LINK = """
insert into links (tenant, relationship, child, parent, since, from_revision, to_revision, of_former_incarnation)
values ('main', 'event_team', $1, $1, now(), 1, $2, $3)
"""
CASCADE = """
insert into operations (tenant, id, kind, workflow, about, key, state, actor, created_at, incarnation)
values ('main', $1, 'delete', 'cascade', 'event', $1, $2, 'test', now(), 'first')
"""


async def test_cascade_is_notified_by_event_children_and_state(pool: Pool) -> None:
    rows: list[dict[str, Any]] = []
    events = ("children_to_delete", "child_unlinked", "recreated")
    for event, (deleted, former), state in product(events, CHILDREN, STATES):
        key = f"{event}-{deleted}-{former}-{state}"
        children = former is not None if event == "recreated" else CHILDREN[deleted, former]
        notified = state in NOTIFIED[event, children]
        rows.append({"key": key, "event": event, "deleted": deleted, "notified": notified})
        if former is not None:
            await pool.execute(LINK, key, OPEN, former)
        if state != "none":
            await pool.execute(CASCADE, key, state)
    async with pool.acquire() as conn:
        await execute(
            conn,
            "notify_cascades",
            tenant="main",
            revision=1,
            now=await conn.fetchval("select now()"),
            kinds=["event"] * len(rows),
            keys=[row["key"] for row in rows],
            sources=["/events"] * len(rows),
            ids=["1"] * len(rows),
            facts=["EventDeleted"] * len(rows),
            events=[row["event"] for row in rows],
            deleted=[row["deleted"] for row in rows],
            relationships=["event_team"],
            parent_kinds=["event"],
        )
        keys = {row["key"] for row in await conn.fetch("select key from outbox")}
    assert keys == {row["key"] for row in rows if row["notified"]}
