"""Every revision stays what it was when it was the newest."""

from random import Random

import pytest

from tests.store.write.test_histories import SEEDS, people
from tests.support.events import Event
from tests.support.folded_histories import node_history
from tests.support.strategies import deliver
from tests.support.tenants import StoreTenant, cut_into_batches, expected_lines


async def every_revision_stays(tenant: StoreTenant, seed: int, events: list[Event]) -> None:
    told: list[Event] = []
    then: dict[int, list[bytes]] = {0: []}
    for batch in cut_into_batches(Random(seed), deliver(seed, events), 5):
        told += batch
        revision = (await tenant.record(*batch)).revision
        lines = expected_lines(tenant.catalog, told)
        assert then.setdefault(revision, lines) == lines, "a revision that has been given out was changed"
    assert len(then) > 10
    for revision, lines in then.items():
        assert await tenant.lines(revision) == lines, f"as of revision {revision} of {max(then)}"


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_tables_as_of_each_revision_are_the_fold_of_what_was_told_by_then(
    tenant: StoreTenant, seed: int
) -> None:
    await every_revision_stays(tenant, seed, people(seed, 8, 80))


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_same_where_a_kind_is_parent_and_child_of_itself(yard: StoreTenant, seed: int) -> None:
    await every_revision_stays(yard, seed, node_history(seed, 100))
