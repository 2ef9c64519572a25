"""Owners whose sequences begin again when a deleted key is used again, if they declare it."""

import re
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.operations import cascades, children, children_to_request, deletions, moves
from store.operations.children import ChildOutcome
from tests.support.events import Event, event
from tests.support.tenants import StoreTenant, in_a_database


def team(fact: str, sequence: int, minute: int | None, **data: str) -> Event:
    """A fact about the team t, whose owner declares that its sequences begin again."""
    time = None if minute is None else f"2026-01-01T10:{minute:02}:00Z"
    data = data or ({"name": "t"} if fact in ("Created", "Renamed") else {})
    return event(f"Team{fact}", "t", sequence, id=f"{fact}/{sequence}/{minute}", time=time, **data)


FIRST = [
    team("Created", 1, 0, name="Reds", event_id="cup"),
    team("Renamed", 2, 1, name="Blues"),
    team("Deleted", 3, 2),
]
SECOND = [team("Created", 1, 10, name="Reds again", event_id="cup"), team("Moved", 2, 11, event_id="final")]


async def test_creation_after_the_deletion_begins_a_new_life_in_any_order(tenant: StoreTenant) -> None:
    for order in permutations([*FIRST, *SECOND]):
        one = tenant.other_tenant()
        await one.record_batches([[fact] for fact in order])
        assert b"link|event_team|t|final|waiting" in await one.lines(), [fact["id"] for fact in order]
    await one.assert_holds([*FIRST, *SECOND])


async def test_life_has_another_name_after_a_restart(tenant: StoreTenant) -> None:
    names = []
    for fact in [*FIRST, *SECOND]:
        await tenant.record(fact)
        names.append((await tenant.incarnations())["team", "t"])
    assert names[0] == names[1] != names[2] == names[3] == names[4]


async def test_late_creation_of_the_life_that_ended_begins_none(tenant: StoreTenant) -> None:
    await tenant.record_batches([[FIRST[2]], [FIRST[1]], [FIRST[0]]])
    assert b"entity|team|t|deleted|{}" in await tenant.lines()
    await tenant.assert_holds(FIRST)


def cup(fact: str, sequence: int, minute: int | None) -> Event:
    """A fact about the event cup, whose owner does not declare that its sequences begin again."""
    return {**team(fact, sequence, minute), "type": f"Event{fact}.v1", "source": "/events", "subject": "cup"}


@pytest.mark.parametrize(
    ("make", "known", "creation", "warning"),
    [
        (
            cup,
            [("Deleted", 3, 5)],
            ("Created", 1, 9),
            "By its time it is the newer one: .* declare on_sequence_restart",
        ),
        (cup, [("Deleted", 3, 5)], ("Created", 1, 2), None),
        (cup, [("Deleted", 3, 5)], ("Created", 1, None), "right of a late fact; .* declare on_sequence_restart"),
        (cup, [("Deleted", 3, None)], ("Created", 1, 9), "right of a late fact; .* declare on_sequence_restart"),
        (cup, [("Deleted", 3, None), ("Created", 4, None)], ("Created", 1, None), None),
        (cup, [("Renamed", 3, None)], ("Created", 1, None), None),
        (team, [("Deleted", 3, 5)], ("Created", 1, 2), None),
        (team, [("Deleted", 3, 5)], ("Created", 1, None), "began again, and it states none"),
        (team, [("Deleted", 3, None)], ("Created", 1, 9), "began again, and the deletion states none"),
        (team, [("Deleted", 3, 5), ("Created", 1, 9)], ("Created", 1, 2), None),
        (team, [("Renamed", 3, 5)], ("Created", 1, 2), None),
    ],
)
async def test_older_creation_is_warned_of_only_if_it_may_be_a_restart(
    tenant: StoreTenant, make: Callable[..., Event], known: list[Any], creation: Any, warning: str | None
) -> None:
    await tenant.record_batches([[make(*fact)] for fact in known])
    answer = await tenant.record(make(*creation))
    assert answer.stale == 1
    if warning is None:
        assert answer.warnings == {}
    else:
        assert re.search(warning, answer.warnings[0])
        assert make is cup or "declare" not in answer.warnings[0]


facts = st.builds(
    team,
    st.sampled_from(["Created", "Renamed", "Moved", "Deleted"]),
    st.integers(1, 4),
    st.sampled_from([None, *range(8)]),
)


@in_a_database
@given(st.lists(facts, max_size=12, unique_by=lambda fact: fact["id"]))
async def test_any_facts_of_such_an_owner_end_as_the_model_says(tenant: StoreTenant, events: list[Event]) -> None:
    one = tenant.other_tenant()
    for number, fact in enumerate(events):
        if fact["type"] in ("TeamCreated.v1", "TeamRenamed.v1"):
            fact["data"]["name"] = str(number)
        if fact["type"] in ("TeamCreated.v1", "TeamMoved.v1"):
            fact["data"]["event_id"] = str(number)
        await one.record(fact)
    await one.assert_holds(events)


async def test_earlier_life_that_arrives_late_does_not_rename_the_present_one(tenant: StoreTenant) -> None:
    await tenant.record(team("Created", 1, 20, name="Reds"))
    name = (await tenant.incarnations())["team", "t"]
    for fact in (team("Created", 1, 5, name="Old"), team("Deleted", 2, 10), team("Renamed", 2, 6, name="Older")):
        await tenant.record(fact)
        assert (await tenant.incarnations())["team", "t"] == name


THIRD = team("Created", 1, 20, name="Reds", event_id="cup")
EARLIER = [team("Created", 1, 5, name="Old"), team("Deleted", 2, 10)]
"""A life before the creation of THIRD: it shows that the sequence has begun again with it."""


async def test_late_restart_does_not_end_a_deletion_that_was_requested_before(tenant: StoreTenant) -> None:
    await tenant.record(THIRD)
    at = tenant.pool, tenant.catalog, tenant.name, "team", "t"
    await deletions.start(*at, actor="test", idempotency_key=None)
    await tenant.record_batches([[fact] for fact in EARLIER])
    await tenant.assert_holds([THIRD, *EARLIER])
    deletion = (await cascades.advance(*at)).deletion
    assert deletion is not None
    assert await deletions.pending_request(*at, deletion.id) is not None


async def test_late_restart_does_not_refuse_a_move_that_was_requested_before(tenant: StoreTenant) -> None:
    relationship = tenant.catalog.relationship("event_team")
    await tenant.record(THIRD, event("EventCreated", "final", 1, name="final"))
    at = tenant.pool, tenant.name, relationship
    await moves.start(*at, child="t", to="final", actor="test", idempotency_key=None)
    assert (await moves.advance(*at, "t")).requested
    await tenant.record_batches([[fact] for fact in EARLIER])
    assert (await moves.advance(*at, "t")).requested


async def test_late_restart_does_not_repeat_the_request_for_a_child(tenant: StoreTenant) -> None:
    relationship = tenant.catalog.relationship("event_team")
    await tenant.record(THIRD, event("EventCreated", "cup", 1, name="cup"))
    await tenant.record(event("EventDeleted", "cup", 2))
    operation = (await cascades.advance(tenant.pool, tenant.catalog, tenant.name, "event", "cup")).operation
    assert operation is not None
    pages = tenant.pool, tenant.catalog, tenant.name, operation.id, relationship, "", 10
    page = await children_to_request.next_page(*pages, repeat=False)
    assert page is not None
    (found,) = page.candidates
    of = tenant.pool, tenant.name, operation.id, relationship.name
    await children_to_request.begin(*of, [found])
    await children.store_outcomes(*of, [ChildOutcome("t", "cup", "requested", found.reference)])
    await tenant.record_batches([[fact] for fact in EARLIER])
    page = await children_to_request.next_page(*pages, repeat=True)
    assert page is not None
    assert page.candidates == []
