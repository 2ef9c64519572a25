"""Random histories: in any order, with any repeats and batches, the tables hold the state of the model."""

from pathlib import Path
from random import Random, SystemRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.events import Event
from tests.support.folded_histories import node_history
from tests.support.sampling import examples
from tests.support.strategies import deliver, explicit_links, histories, history
from tests.support.tenants import StoreTenant, cut_into_batches, expected_lines, expected_waits, in_a_database

_LINES = (Path(__file__).parent / "seeds.txt").read_text().splitlines()
SEEDS = [int(line.split()[0]) for line in _LINES if line and not line.startswith("#")]


async def assert_delivery_ends_as_the_model_says(
    tenant: StoreTenant, seed: int, events: list[Event], most: int
) -> None:
    one, random = tenant.other_tenant(), Random(seed)
    await one.record_batches(cut_into_batches(random, deliver(seed, events, repeats=0.2), most))
    await one.assert_holds(events)


async def assert_each_step_is_as_the_model_says(tenant: StoreTenant, seed: int, events: list[Event]) -> None:
    one, random = tenant.other_tenant(), Random(seed)
    recorded: list[Event] = []
    for batch in cut_into_batches(random, deliver(seed, events), 4):
        await one.record(*batch)
        recorded += batch
        assert await one.lines() == expected_lines(one.catalog, recorded)
        assert await one.waits() == expected_waits(one.catalog, recorded)
    await one.assert_holds(recorded)


def people(seed: int, entities: int = 12, facts: int = 120) -> list[Event]:
    """Returns a history of groups, channels, categories and items, and a tenth as many explicit links."""
    events = history(seed, entities, facts)
    return events + explicit_links(Random(seed), events, facts // 10)


@in_a_database
@given(events=histories(), seed=st.integers(0, 2**32), own=st.integers(0, 5), most=st.integers(1, 12))
async def test_any_history_in_any_delivery_ends_as_the_model_says(
    tenant: StoreTenant, events: list[Event], seed: int, own: int, most: int
) -> None:
    events += explicit_links(Random(seed), events, own)
    await assert_delivery_ends_as_the_model_says(tenant, seed, events, most)


@pytest.mark.parametrize("seed", SEEDS)
async def test_kept_seeds_in_any_delivery_end_as_the_model_says(
    tenant: StoreTenant, yard: StoreTenant, seed: int
) -> None:
    await assert_delivery_ends_as_the_model_says(tenant, seed, people(seed), most=30)
    await assert_delivery_ends_as_the_model_says(yard, seed, node_history(seed, 80), most=20)


@pytest.mark.parametrize("seed", SEEDS)
async def test_kept_seeds_agree_with_the_model_at_every_step(tenant: StoreTenant, yard: StoreTenant, seed: int) -> None:
    await assert_each_step_is_as_the_model_says(tenant, seed, people(seed, 8, 40))
    await assert_each_step_is_as_the_model_says(yard, seed, node_history(seed, 40))


async def test_new_seeds_end_as_the_model_says(tenant: StoreTenant, yard: StoreTenant) -> None:
    for seed in SystemRandom().sample(range(2**32), examples(2)):
        print("add to seeds.txt if this fails:", seed)  # noqa: T201
        await assert_delivery_ends_as_the_model_says(tenant, seed, people(seed), most=10)
        await assert_delivery_ends_as_the_model_says(yard, seed, node_history(seed, 60), most=10)
        await assert_each_step_is_as_the_model_says(yard, seed, node_history(seed, 25))


async def test_large_history_ends_as_the_model_says(tenant: StoreTenant) -> None:
    await assert_delivery_ends_as_the_model_says(tenant, 5, people(5, entities=300, facts=4000), most=700)
