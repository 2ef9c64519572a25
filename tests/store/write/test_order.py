"""The order of facts that their senders leave open: by what they do, then by arrival."""

from itertools import count, permutations
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.events import Event, event
from tests.support.tenants import StoreTenant, cut_into_batches, expected_lines, in_a_database

_KEYS = 30
_TIMES = {
    "none": None,
    "second": "2026-01-01T10:00:00Z",
    "millisecond": "2026-01-01T10:00:00.001Z",
    "microsecond": "2026-01-01T10:00:00.000001Z",
    "nanosecond": "2026-01-01T10:00:00.000000001Z",
}


def plain_facts(random: Random, key: str, time: str | None) -> list[Event]:
    """Returns the facts of a sender that numbers nothing, in their order: created, changed twice, deleted.

    ``time``: of all of them; None: they have none.
    """
    facts = [
        ("ItemAdded", {"name": key, "category": "first"}),
        ("ItemUpdated", {"category": "second"}),
        ("ItemUpdated", {"category": "third"}),
        ("ItemRemoved", {}),
    ]
    ids = (str(UUID(int=random.getrandbits(128))) for _ in facts)
    return [event(fact, key, None, id=id, time=time, **data) for (fact, data), id in zip(facts, ids, strict=True)]


@pytest.mark.parametrize("time", _TIMES.values(), ids=_TIMES.keys())
@pytest.mark.parametrize("batch", [1, 3, 1_000])
async def test_plain_sender_that_sends_in_order_is_right_each_time(
    tenant: StoreTenant, time: str | None, batch: int
) -> None:
    random = Random(batch)
    facts = [fact for n in range(_KEYS) for fact in plain_facts(random, f"i{n}", time)]
    changed = [fact for fact in facts if fact["type"] != "ItemRemoved.v1"]
    await tenant.record_batches([changed[n : n + batch] for n in range(0, len(changed), batch)])
    links = [f"link|category_item|i{n}|third|waiting".encode() for n in range(_KEYS)]
    assert [line for line in await tenant.lines() if line.startswith(b"link")] == sorted(links)
    deleted = [fact for fact in facts if fact["type"] == "ItemRemoved.v1"]
    await tenant.record_batches([deleted[n : n + batch] for n in range(0, len(deleted), batch)])
    states = [line.split(b"|")[3] for line in await tenant.lines() if line.startswith(b"entity|item|")]
    assert states == [b"deleted"] * _KEYS
    await tenant.assert_holds(facts)


@pytest.mark.parametrize("place", [{"time": "2026-01-01T10:00:00Z"}, {}, {"sequence": "54604320"}])
async def test_effect_decides_within_one_instant_in_any_order(tenant: StoreTenant, place: dict[str, str]) -> None:
    for n, order in enumerate(permutations(range(3))):
        facts = plain_facts(Random(n), f"i{n}", None)
        sent = [facts[0] | place, facts[1] | place, facts[3] | place]
        await tenant.record_batches([[sent[at]] for at in order])
    assert {line.split(b"|")[3] for line in await tenant.lines()} == {b"deleted"}


@in_a_database
@given(seed=st.integers(0, 2**32), most=st.integers(1, 6), times=st.lists(st.sampled_from(list(_TIMES.values()))))
async def test_facts_without_order_end_as_the_model_says_for_their_arrival(
    tenant: StoreTenant, seed: int, most: int, times: list[str | None]
) -> None:
    one, random, numbers = tenant.other_tenant(), Random(seed), count()
    facts = [fact for time in times for fact in plain_facts(random, f"i{next(numbers) % 2}", time)]
    random.shuffle(facts)
    await one.record_batches(cut_into_batches(random, facts, most))
    assert await one.lines() == expected_lines(one.catalog, facts)
    await one.assert_holds(facts)


async def test_fact_that_arrives_again_keeps_its_first_place(tenant: StoreTenant) -> None:
    first, second = (event("ItemUpdated", "i", None, id=id, category=id) for id in ("z", "a"))
    created = event("ItemAdded", "i", None, id="m", name="i")
    await tenant.record_batches([[created], [first], [second], [first], [first, second]])
    assert b"link|category_item|i|a|waiting" in await tenant.lines()
    await tenant.assert_holds([created, first, second])


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-01-01T10:00:00.123456100Z", "2026-01-01T10:00:00.123456900Z"),
        ("2026-01-01T10:00:00.1234561Z", "2026-01-01T10:00:00.1234569Z"),
        ("2026-01-01T10:00:00.123Z", "2026-01-01T10:00:00.1230005Z"),
        ("2026-01-01T11:00:00.123456789+01:00", "2026-01-01T10:00:00.12345679Z"),
    ],
)
async def test_nanoseconds_decide(tenant: StoreTenant, earlier: str, later: str) -> None:
    facts = [
        event("ItemAdded", "i", None, time="2026-01-01T09:00:00Z", name="i", category="first"),
        event("ItemUpdated", "i", None, id="a", time=later, category="later"),
        event("ItemUpdated", "i", None, id="z", time=earlier, category="earlier"),
    ]
    await tenant.record_batches([[fact] for fact in facts])
    assert b"link|category_item|i|later|waiting" in await tenant.lines()
    await tenant.assert_holds(facts)
