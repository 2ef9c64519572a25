"""A team moves out of an event that is deleted: deliveries in any order, fact by fact, with one fact repeated."""

import pytest

from tests.support.events import Event
from tests.support.sampling import some
from tests.support.team_histories import (
    MOVE_AND_DELETIONS,
    assert_all_end_the_same,
    assert_each_revision_is_sound,
    orders,
    record_all,
)
from tests.support.tenants import StoreTenant


def ids(events: tuple[Event, ...]) -> tuple[str, ...]:
    return tuple(event["id"] for event in events)


def test_generator_gives_1800_distinct_deliveries() -> None:
    of_each = [{ids(order) for order in orders(MOVE_AND_DELETIONS, twice)} for twice in MOVE_AND_DELETIONS]
    assert [len(some) for some in of_each] == [360] * 5
    assert len(set.union(*of_each)) == 1800


@pytest.mark.parametrize("twice", MOVE_AND_DELETIONS, ids=lambda event: event["type"] + event["subject"])
async def test_deliveries_with_one_fact_twice_are_sound_and_end_the_same(tenant: StoreTenant, twice: Event) -> None:
    deliveries = some(orders(MOVE_AND_DELETIONS, twice), 60)
    recorded = await record_all(tenant, [[[event] for event in order] for order in deliveries])
    assert len({one.describe() for one in recorded}) == len(deliveries)
    assert {one.duplicates for one in recorded} == {1}
    assert_all_end_the_same(recorded)
    assert_each_revision_is_sound(recorded, MOVE_AND_DELETIONS)
    entities, links = recorded[0].rows
    assert {e["key"]: e["state"] for e in entities} == {"A": "deleted", "B": "live", "t": "deleted"}
    assert links == []
    assert recorded[0].steps[-1].waits == {}
