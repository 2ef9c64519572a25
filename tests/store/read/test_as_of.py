"""Reads as of an earlier revision give the state that was current at that revision."""

from random import Random

import pytest

from tests.store.write.test_histories import SEEDS, people
from tests.support.events import Event
from tests.support.folded_histories import node_history
from tests.support.strategies import deliver
from tests.support.tenants import StoreTenant, cut_into_batches, expected_lines


async def assert_revisions_are_stable(tenant: StoreTenant, seed: int, events: list[Event]) -> None:
    recorded: list[Event] = []
    by_revision: dict[int, list[bytes]] = {0: []}
    for batch in cut_into_batches(Random(seed), deliver(seed, events), 5):
        recorded += batch
        revision = (await tenant.record(*batch)).revision
        lines = expected_lines(tenant.catalog, recorded)
        assert by_revision.setdefault(revision, lines) == lines, "a committed revision has changed"
    assert len(by_revision) > 10
    for revision, lines in by_revision.items():
        assert await tenant.lines(revision) == lines, f"as of revision {revision} of {max(by_revision)}"


@pytest.mark.parametrize("seed", SEEDS)
async def test_tables_as_of_a_revision_are_the_fold_of_the_facts_until_then(tenant: StoreTenant, seed: int) -> None:
    await assert_revisions_are_stable(tenant, seed, people(seed, 8, 80))


@pytest.mark.parametrize("seed", SEEDS)
async def test_revisions_are_stable_where_a_kind_is_its_own_parent(yard: StoreTenant, seed: int) -> None:
    await assert_revisions_are_stable(yard, seed, node_history(seed, 100))
