"""A team moves out of an event that is deleted: every delivery, each in two batches cut at random."""

from random import Random, SystemRandom

import pytest

from tests.support.events import Event
from tests.support.team_histories import MOVE_AND_ENDS, all_end_the_same, each_revision_is_sound, orders, tell_all
from tests.support.tenants import Tether


@pytest.mark.parametrize("twice", MOVE_AND_ENDS, ids=lambda event: event["type"] + event["subject"])
async def test_deliveries_in_two_batches_are_sound_and_end_the_same(tether: Tether, twice: Event) -> None:
    seed = SystemRandom().randrange(2**32)
    print("cut by the seed", seed)  # noqa: T201
    random = Random(seed)
    deliveries = []
    for order in orders(MOVE_AND_ENDS, twice):
        middle = random.randint(1, len(order) - 1)
        deliveries.append([order[:middle], order[middle:]])
    tellings = await tell_all(tether, deliveries)
    assert len(tellings) == 360
    assert {len(telling.steps) for telling in tellings} == {3}
    all_end_the_same(tellings)
    each_revision_is_sound(tellings, MOVE_AND_ENDS)
