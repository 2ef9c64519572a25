"""The total order of facts: strict, without cycles, and independent of arrival where their owner states an order."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.vocabulary import Effect
from model.order import Order, order
from tests.support.strategies import NASTY_SEQUENCES

Place = tuple[str | None, int | None, Effect | None, int, str, str]

sequences = st.one_of(
    st.none(),
    st.sampled_from(NASTY_SEQUENCES),
    st.text("0123456789", min_size=1, max_size=5),
    st.text("0123456789aZ.-é٣😀\uffee", min_size=1, max_size=5),
)
places: st.SearchStrategy[Place] = st.tuples(
    sequences,
    st.one_of(st.none(), st.integers(-2, 2), st.integers(-(2**65), 2**65)),
    st.sampled_from([*Effect, None]),
    st.integers(0, 3),
    st.sampled_from(["/a", "/b", "/ä"]),
    st.sampled_from(["1", "10", "2", "b", "😀", "\uffee"]),
)


def by_sequence(sequence: str | None, time: int | None = 0) -> Order:
    return order(sequence, time, Effect.CHANGED, 0, "/s", "id")


@pytest.mark.parametrize(
    "ascending",
    [
        [None, "-1", "0", "1", "9", "10", "18446744073709551616", "9" * 5000, "é", "٣"],
        ['["999","1000"]', '["999","1001"]', '["1000","1"]'],
        ["0/9FFFFFF", "0/AFFFFFF", "0/10000000", "1/0", "A/0", "FF/0", "10A/0"],
        ["mysql-bin.000003:999", "mysql-bin.000003:1000", "mysql-bin.000004:4", "mysql-bin.000010:4"],
        ["00000027:00000758:0002", "00000027:00000760:0001", "0000002A:00000001:0001", "00000030:00000001:0001"],
        ["01HZXW9ZZZZZZZZZZZZZZZZZZZ", "01HZXWA0000000000000000000", "01HZXXA0000000000000000000"],
        ["v9", "v10", "v99", "v100"],
        ["2026-01-31T09:59:59Z", "2026-01-31T10:00:00Z", "2026-02-01T00:00:00Z"],
        ["1.9", "1.10", "2.0"],
    ],
)
def test_sequences_that_services_use_ascend(ascending: list[str | None]) -> None:
    assert all(one < other for one, other in pairwise(map(by_sequence, ascending)))


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), min_size=2, max_size=2))
def test_parts_of_a_sequence_compare_as_numbers(pairs: list[tuple[int, int]]) -> None:
    one, other = pairs
    for form in ('["{}","{}"]', "{}-{}", "binlog.{:06}:{}", "{:X}/{:X}", "({}, {})", "p{}.o{}"):
        assert (by_sequence(form.format(*one)) < by_sequence(form.format(*other))) == (one < other)


def test_leading_zeros_are_ignored_so_that_time_decides() -> None:
    assert by_sequence("007", 1) < by_sequence("7", 2)
    assert by_sequence("7", 1) < by_sequence("007", 2)
    assert by_sequence("0") == by_sequence("000")


def test_fact_with_sequence_follows_one_without_at_any_time() -> None:
    assert by_sequence(None, 10**18) < by_sequence("0", None)


def test_fact_without_time_precedes_one_with_time_of_equal_sequence() -> None:
    assert by_sequence("7", None) < by_sequence("7", -(10**18))


@pytest.mark.parametrize("place", [("7", 5), ("7", None), (None, 5), (None, None)])
def test_effect_decides_between_facts_of_equal_sequence_and_time(place: tuple[str | None, int | None]) -> None:
    created, changed, own, deleted = (
        order(*place, effect, arrival, "/s", "id")
        for effect, arrival in ((Effect.CREATED, 9), (Effect.CHANGED, 8), (None, 9), (Effect.DELETED, 1))
    )
    assert created < changed < own < deleted


def test_arrival_decides_only_what_owners_leave_open() -> None:
    assert order("1", 5, Effect.CHANGED, 1, "/z", "z") < order("1", 5, Effect.CHANGED, 2, "/a", "a")
    assert order("1", 5, Effect.CHANGED, 2, "/z", "z") < order("1", 6, Effect.CHANGED, 1, "/a", "a")


def test_unrecorded_facts_are_decided_by_source_and_then_by_id() -> None:
    changed = Effect.CHANGED
    assert order("1", 5, changed, 0, "/a", "z") < order("1", 5, changed, 0, "/b", "a")
    assert order(None, None, changed, 0, "/a", "\uffee") < order(None, None, changed, 0, "/a", "😀")  # bytes


def test_no_three_of_the_unusual_sequences_form_a_cycle() -> None:
    orders = [by_sequence(s, t) for s, t in product([None, *NASTY_SEQUENCES], [None, 0, 1])]
    for a, b in product(orders, orders):
        assert (a < b) + (b < a) + (a == b) == 1
    for a, b, c in product(orders, orders, orders):
        assert not (a < b < c) or a < c


@given(places, places, places)
def test_order_of_facts_is_a_strict_total_order(a: Place, b: Place, c: Place) -> None:
    first, second, third = order(*a), order(*b), order(*c)
    assert (first < second) + (second < first) + (first == second) == 1
    if first < second < third:
        assert first < third


@given(places, places)
def test_different_facts_have_different_orders(a: Place, b: Place) -> None:
    if a[3:] != b[3:]:
        assert order(*a) != order(*b)


@given(st.integers(0, 10**60), st.integers(0, 10**60), st.integers(0, 3), st.integers(0, 3))
def test_digits_compare_as_numbers_of_any_length(a: int, b: int, zeros_a: int, zeros_b: int) -> None:
    assert (by_sequence("0" * zeros_a + str(a)) < by_sequence("0" * zeros_b + str(b))) == (a < b)
