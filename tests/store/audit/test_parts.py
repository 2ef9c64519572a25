"""A tenant that is rebuilt in parts gives the same report as one that is rebuilt as a whole."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.audit import parts
from store.audit.fingerprint import of_model
from store.db.pool import Pool
from tests.support.events import Event
from tests.support.folded_histories import node_history
from tests.support.merge_histories import deliver_in_batches, histories
from tests.support.sampling import examples
from tests.support.tenants import StoreTenant, cut_into_batches, fold_events, in_a_database


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts about three facts into each part."""
    monkeypatch.setattr(parts, "FACTS", 3)


async def assert_parts_are_the_whole(tenant: StoreTenant, batches: list[list[Event]]) -> None:
    events = [event for batch in batches for event in batch]
    await tenant.record_batches(batches)
    report = await tenant.audit()
    assert report.violated == []
    state = fold_events(tenant.catalog, events)
    assert report.ledger == report.tables == of_model(tenant.catalog, state)


@settings(in_a_database, max_examples=examples(5))
@given(history=histories(), seed=st.integers(0, 2**32))
async def test_parts_of_merged_records_are_the_whole(clinic: StoreTenant, history: list[Event], seed: int) -> None:
    await assert_parts_are_the_whole(clinic.other_tenant(), deliver_in_batches(seed, history, 5))


@pytest.mark.parametrize("seed", range(4))
async def test_parts_of_trees_are_the_whole(yard: StoreTenant, seed: int) -> None:
    await assert_parts_are_the_whole(yard, cut_into_batches(Random(seed), node_history(seed, 80), 20))


@pytest.mark.parametrize(
    "damage",
    [
        "update entities set data = '{\"mark\": 7}' where key = 'n1' and to_revision > 99999",
        "update links set parent = 'n3' where child = 'n1' and to_revision > 99999",
        "delete from links where child = 'n2' and to_revision > 99999",
        "update entities set sequence = '77' where key = 'n0' and to_revision > 99999",
    ],
)
async def test_damage_is_found_in_its_part(yard: StoreTenant, pool: Pool, damage: str) -> None:
    await yard.record_batches(cut_into_batches(Random(7), node_history(7, 60), 20))
    assert (await yard.audit()).violated == []
    await pool.execute(damage)
    assert "the tables hold what the facts say" in {check.name for check in (await yard.audit()).violated}
