"""Orders of a few facts around moves: there and back, to an event that is recreated, to no event."""

from collections.abc import Sequence
from random import Random, SystemRandom

import pytest

from tests.support.events import Event, event
from tests.support.sampling import some
from tests.support.team_histories import (
    MOVE_AND_DELETIONS,
    assert_all_end_the_same,
    assert_each_revision_is_sound,
    orders,
    record_all,
)
from tests.support.tenants import StoreTenant, cut_into_batches, expected_lines

CREATED = event("TeamCreated", "t", 1, name="Otters", event_id="A")
RENAMED = event("TeamRenamed", "t", 3, name="Sea otters")
A_CREATED = event("EventCreated", "A", 1, name="Autumn cup")

SITUATIONS: dict[str, tuple[str | None, Sequence[Event]]] = {
    "moved to B, back to A, and to B again": (
        "B|waiting",
        (
            CREATED,
            event("TeamMoved", "t", 2, event_id="B"),
            event("TeamMoved", "t", 3, event_id="A"),
            event("TeamMoved", "t", 4, event_id="B"),
            A_CREATED,
        ),
    ),
    "in an event that is deleted, recreated and deleted again": (
        "A|broken",
        (
            CREATED,
            A_CREATED,
            event("EventDeleted", "A", 2),
            event("EventCreated", "A", 3, name="Winter cup"),
            event("EventDeleted", "A", 4),
        ),
    ),
    "moved to an event whose only fact is its deletion": (
        "B|broken",
        (CREATED, event("TeamMoved", "t", 2, event_id="B"), RENAMED, A_CREATED, event("EventDeleted", "B", 7)),
    ),
    "withdrawn from an event that is deleted": (
        None,
        (CREATED, event("TeamMoved", "t", 2, event_id=None), RENAMED, A_CREATED, event("EventDeleted", "A", 2)),
    ),
    "withdrawn, and moved back into an event that is deleted": (
        "A|broken",
        (
            CREATED,
            event("TeamMoved", "t", 2, event_id=None),
            event("TeamMoved", "t", 3, event_id="A"),
            A_CREATED,
            event("EventDeleted", "A", 2),
        ),
    ),
    "moved, and deleted": (None, MOVE_AND_DELETIONS),
    "deleted, recreated in another event, and moved": (
        "A|linked",
        (
            CREATED,
            event("TeamDeleted", "t", 2),
            event("TeamCreated", "t", 3, name="Otters again", event_id="B"),
            event("TeamMoved", "t", 4, event_id="A"),
            A_CREATED,
        ),
    ),
}

situations = pytest.mark.parametrize(("end", "facts"), SITUATIONS.values(), ids=SITUATIONS)


def link_lines(end: str | None) -> list[bytes]:
    return [] if end is None else [f"link|event_team|t|{end}".encode()]


@situations
async def test_orders_one_by_one_and_in_batches_end_the_same(
    tenant: StoreTenant, end: str | None, facts: Sequence[Event]
) -> None:
    chosen = some(orders(facts), 30)
    seed = SystemRandom().randrange(2**32)
    print("cut by the seed", seed)  # noqa: T201
    random = Random(seed)
    recorded = await record_all(tenant, [[[event] for event in order] for order in chosen])
    recorded += await record_all(tenant, [cut_into_batches(random, order, most=5) for order in chosen])
    assert_all_end_the_same(recorded)
    assert_each_revision_is_sound(recorded, facts)
    assert [line for line in expected_lines(tenant.catalog, facts) if line.startswith(b"link")] == link_lines(end)


@situations
async def test_every_revision_keeps_the_fold_of_the_facts_until_then(
    tenant: StoreTenant, end: str | None, facts: Sequence[Event]
) -> None:
    for order in orders(facts)[::11]:  # 11 and 120 have no common divisor, so the chosen orders are spread
        one = tenant.other_tenant()
        by_revision: dict[int, list[bytes]] = {0: []}
        for count in range(1, len(order) + 1):
            by_now, ids = order[:count], [event["id"] for event in order[:count]]
            revision = (await one.record(order[count - 1])).revision
            lines = expected_lines(one.catalog, by_now)
            assert by_revision.setdefault(revision, lines) == lines, ids
        for revision, lines in by_revision.items():
            assert await one.lines(revision) == lines, f"as of {revision}: {[event['id'] for event in order]}"
        assert [line for line in await one.lines() if line.startswith(b"link")] == link_lines(end)
    await one.assert_holds(facts)
