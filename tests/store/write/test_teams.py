"""A team moves out of an event that is deleted: every delivery, fact by fact, with one fact repeated."""

import pytest

from tests.support.events import Event
from tests.support.team_histories import MOVE_AND_ENDS, all_end_the_same, each_revision_is_sound, orders, tell_all
from tests.support.tenants import Tether


def ids(events: tuple[Event, ...]) -> tuple[str, ...]:
    return tuple(event["id"] for event in events)


def test_generator_gives_1800_distinct_deliveries() -> None:
    of_each = [{ids(order) for order in orders(MOVE_AND_ENDS, twice)} for twice in MOVE_AND_ENDS]
    assert [len(some) for some in of_each] == [360] * 5
    assert len(set.union(*of_each)) == 1800


@pytest.mark.parametrize("twice", MOVE_AND_ENDS, ids=lambda event: event["type"] + event["subject"])
async def test_deliveries_with_one_fact_twice_are_sound_and_end_the_same(tether: Tether, twice: Event) -> None:
    deliveries = orders(MOVE_AND_ENDS, twice)
    tellings = await tell_all(tether, [[[event] for event in order] for order in deliveries])
    assert len({telling.words() for telling in tellings}) == 360
    assert {telling.duplicates for telling in tellings} == {1}
    all_end_the_same(tellings)
    each_revision_is_sound(tellings, MOVE_AND_ENDS)
    entities, links = tellings[0].rows
    assert {e["key"]: e["state"] for e in entities} == {"A": "deleted", "B": "live", "t": "deleted"}
    assert links == []
    assert tellings[0].steps[-1].waits == {}
