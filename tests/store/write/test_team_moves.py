"""Every order of a few facts around moves: back and forth, to an event that is recreated, to no event."""

from collections.abc import Sequence
from random import Random, SystemRandom

import pytest

from tests.support.events import Event
from tests.support.model_facts import say
from tests.support.team_histories import MOVE_AND_ENDS, all_end_the_same, each_revision_is_sound, orders, tell_all
from tests.support.tenants import Tether, cut, expected

CREATED = say("TeamCreated", "t", 1, name="Otters", event_id="A")
RENAMED = say("TeamRenamed", "t", 3, name="Sea otters")
A_CREATED = say("EventCreated", "A", 1, name="Autumn cup")

SITUATIONS: dict[str, tuple[str | None, Sequence[Event]]] = {
    "moved to B, back to A, and to B again": (
        "B|waiting",
        (
            CREATED,
            say("TeamMoved", "t", 2, event_id="B"),
            say("TeamMoved", "t", 3, event_id="A"),
            say("TeamMoved", "t", 4, event_id="B"),
            A_CREATED,
        ),
    ),
    "in an event that is called off, announced again and called off again": (
        "A|broken",
        (
            CREATED,
            A_CREATED,
            say("EventDeleted", "A", 2),
            say("EventCreated", "A", 3, name="Winter cup"),
            say("EventDeleted", "A", 4),
        ),
    ),
    "moved to an event of which only the end is ever told": (
        "B|broken",
        (CREATED, say("TeamMoved", "t", 2, event_id="B"), RENAMED, A_CREATED, say("EventDeleted", "B", 7)),
    ),
    "withdrawn from an event that is called off": (
        None,
        (CREATED, say("TeamMoved", "t", 2, event_id=None), RENAMED, A_CREATED, say("EventDeleted", "A", 2)),
    ),
    "withdrawn, and moved back into an event that is called off": (
        "A|broken",
        (
            CREATED,
            say("TeamMoved", "t", 2, event_id=None),
            say("TeamMoved", "t", 3, event_id="A"),
            A_CREATED,
            say("EventDeleted", "A", 2),
        ),
    ),
    "moved, and dissolved": (None, MOVE_AND_ENDS),
    "dissolved, registered again elsewhere, and moved": (
        "A|linked",
        (
            CREATED,
            say("TeamDeleted", "t", 2),
            say("TeamCreated", "t", 3, name="Otters again", event_id="B"),
            say("TeamMoved", "t", 4, event_id="A"),
            A_CREATED,
        ),
    ),
}

situations = pytest.mark.parametrize(("ends", "told"), SITUATIONS.values(), ids=SITUATIONS)


def link_lines(ends: str | None) -> list[bytes]:
    return [] if ends is None else [f"link|event_team|t|{ends}".encode()]


@situations
async def test_orders_one_by_one_and_in_batches_end_the_same(
    tether: Tether, ends: str | None, told: Sequence[Event]
) -> None:
    every = orders(told)
    assert len(every) == 120
    seed = SystemRandom().randrange(2**32)
    print("cut by the seed", seed)  # noqa: T201
    random = Random(seed)
    tellings = await tell_all(tether, [[[event] for event in order] for order in every])
    tellings += await tell_all(tether, [cut(random, order, most=5) for order in every])
    all_end_the_same(tellings)
    each_revision_is_sound(tellings, told)
    assert [line for line in expected(tether.catalog, told) if line.startswith(b"link")] == link_lines(ends)


@situations
async def test_every_revision_keeps_the_fold_of_the_facts_until_then(
    tether: Tether, ends: str | None, told: Sequence[Event]
) -> None:
    for order in orders(told)[::11]:  # prime to 120, so that no place in the order is always the same
        one = tether.other()
        then: dict[int, list[bytes]] = {0: []}
        for count in range(1, len(order) + 1):
            by_now, words = order[:count], [event["id"] for event in order[:count]]
            revision = (await one.tell(order[count - 1])).revision
            lines = expected(one.catalog, by_now)
            assert then.setdefault(revision, lines) == lines, words
        for revision, lines in then.items():
            assert await one.lines(revision) == lines, f"as of {revision}: {[event['id'] for event in order]}"
        assert [line for line in await one.lines() if line.startswith(b"link")] == link_lines(ends)
    await one.holds(told)
