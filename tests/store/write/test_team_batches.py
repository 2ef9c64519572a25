"""A team moves out of an event that is deleted: deliveries in any order, each in two batches cut at random."""

from random import Random, SystemRandom

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


@pytest.mark.parametrize("twice", MOVE_AND_DELETIONS, ids=lambda event: event["type"] + event["subject"])
async def test_deliveries_in_two_batches_are_sound_and_end_the_same(tenant: StoreTenant, twice: Event) -> None:
    seed = SystemRandom().randrange(2**32)
    print("cut by the seed", seed)  # noqa: T201
    random = Random(seed)
    deliveries = []
    for order in some(orders(MOVE_AND_DELETIONS, twice), 60):
        middle = random.randint(1, len(order) - 1)
        deliveries.append([order[:middle], order[middle:]])
    recorded = await record_all(tenant, deliveries)
    assert {len(one.steps) for one in recorded} == {3}
    assert_all_end_the_same(recorded)
    assert_each_revision_is_sound(recorded, MOVE_AND_DELETIONS)
