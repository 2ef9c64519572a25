"""Random histories: whatever the order, the repeats and the batches, the tables hold what the model says."""

from pathlib import Path
from random import Random, SystemRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.events import Event
from tests.support.folded_histories import yarn
from tests.support.strategies import deliver, explicit_links, histories, history
from tests.support.tenants import Tether, cut, expected, in_a_database, waiting

_LINES = (Path(__file__).parent / "seeds.txt").read_text().splitlines()
SEEDS = [int(line.split()[0]) for line in _LINES if line and not line.startswith("#")]


async def any_delivery_ends_as_the_model_says(tether: Tether, seed: int, events: list[Event], most: int) -> None:
    one, random = tether.other(), Random(seed)
    await one.deliver(cut(random, deliver(seed, events, repeats=0.2), most))
    await one.holds(events)


async def each_step_is_as_the_model_says(tether: Tether, seed: int, events: list[Event]) -> None:
    one, random = tether.other(), Random(seed)
    told: list[Event] = []
    for batch in cut(random, deliver(seed, events), 4):
        await one.tell(*batch)
        told += batch
        assert await one.lines() == expected(one.catalog, told)
        assert await one.waits() == waiting(one.catalog, told)
    await one.holds(told)


def people(seed: int, entities: int = 12, facts: int = 120) -> list[Event]:
    """Groups, channels, categories, items; a tenth of the facts are explicit links."""
    events = history(seed, entities, facts)
    return events + explicit_links(Random(seed), events, facts // 10)


@in_a_database
@given(events=histories(), seed=st.integers(0, 2**32), own=st.integers(0, 5), most=st.integers(1, 12))
async def test_any_history_in_any_delivery_ends_as_the_model_says(
    tether: Tether, events: list[Event], seed: int, own: int, most: int
) -> None:
    events += explicit_links(Random(seed), events, own)
    await any_delivery_ends_as_the_model_says(tether, seed, events, most)


@pytest.mark.parametrize("seed", SEEDS)
async def test_kept_seeds_in_any_delivery_end_as_the_model_says(tether: Tether, yard: Tether, seed: int) -> None:
    await any_delivery_ends_as_the_model_says(tether, seed, people(seed), most=30)
    await any_delivery_ends_as_the_model_says(yard, seed, yarn(seed, 80), most=20)


@pytest.mark.parametrize("seed", SEEDS)
async def test_kept_seeds_agree_with_the_model_at_every_step(tether: Tether, yard: Tether, seed: int) -> None:
    await each_step_is_as_the_model_says(tether, seed, people(seed, 8, 40))
    await each_step_is_as_the_model_says(yard, seed, yarn(seed, 40))


async def test_new_seeds_end_as_the_model_says(tether: Tether, yard: Tether) -> None:
    for seed in SystemRandom().sample(range(2**32), 6):
        print("add to seeds.txt if this fails:", seed)  # noqa: T201
        await any_delivery_ends_as_the_model_says(tether, seed, people(seed), most=10)
        await any_delivery_ends_as_the_model_says(yard, seed, yarn(seed, 60), most=10)
        await each_step_is_as_the_model_says(yard, seed, yarn(seed, 25))


async def test_large_history_ends_as_the_model_says(tether: Tether) -> None:
    await any_delivery_ends_as_the_model_says(tether, 5, people(5, entities=300, facts=4000), most=700)
