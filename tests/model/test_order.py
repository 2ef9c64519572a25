"""The total order of facts: strict, without cycles, and independent of the order of arrival."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from model.order import Order, order
from tests.support.strategies import NASTY_SEQUENCES

Named = tuple[str | None, int | None, str, str]

sequences = st.one_of(
    st.none(),
    st.sampled_from(NASTY_SEQUENCES),
    st.text("0123456789", min_size=1, max_size=5),
    st.text("0123456789aZ.-é٣😀\uffee", min_size=1, max_size=5),
)
names: st.SearchStrategy[Named] = st.tuples(
    sequences,
    st.one_of(st.none(), st.integers(-2, 2), st.integers(-(2**62), 2**62)),
    st.sampled_from(["/a", "/b", "/ä"]),
    st.sampled_from(["1", "10", "2", "b", "😀", "\uffee"]),
)


def by_sequence(sequence: str | None, time: int | None = 0) -> Order:
    return order(sequence, time, "/s", "id")


def test_no_sequence_precedes_texts_which_precede_numbers() -> None:
    ascending = [None, "-1", "1a", "a", "é", "٣", "0", "9", "10", "18446744073709551616", "9" * 5000]
    orders = [by_sequence(sequence) for sequence in ascending]
    assert orders == sorted(orders)
    assert len(set(orders)) == len(orders)


def test_sequences_9_10_and_1a_do_not_form_a_cycle() -> None:
    assert by_sequence("1a") < by_sequence("9") < by_sequence("10")
    assert by_sequence("1a") < by_sequence("10")


def test_leading_zeros_are_ignored_so_that_time_decides() -> None:
    assert by_sequence("007", 1) < by_sequence("7", 2)
    assert by_sequence("7", 1) < by_sequence("007", 2)
    assert by_sequence("0") == by_sequence("000")


def test_fact_with_sequence_follows_one_without_at_any_time() -> None:
    assert by_sequence(None, 10**18) < by_sequence("0", None)


def test_fact_without_time_precedes_one_with_time_of_equal_sequence() -> None:
    assert by_sequence("7", None) < by_sequence("7", -(10**18))


def test_equal_times_are_decided_by_source_and_then_by_id() -> None:
    assert order("1", 5, "/a", "z") < order("1", 5, "/b", "a") < order("1", 5, "/b", "b")
    assert order(None, None, "/a", "\uffee") < order(None, None, "/a", "😀")  # bytes, not UTF-16 units


def test_no_three_of_the_unusual_sequences_form_a_cycle() -> None:
    orders = [by_sequence(s, t) for s, t in product([None, *NASTY_SEQUENCES], [None, 0, 1])]
    for a, b in product(orders, orders):
        assert (a < b) + (b < a) + (a == b) == 1
    for a, b, c in product(orders, orders, orders):
        assert not (a < b < c) or a < c


@given(names, names, names)
def test_order_of_facts_is_a_strict_total_order(a: Named, b: Named, c: Named) -> None:
    first, second, third = order(*a), order(*b), order(*c)
    assert (first < second) + (second < first) + (first == second) == 1
    if first < second < third:
        assert first < third


@given(names, names)
def test_different_facts_have_different_orders(a: Named, b: Named) -> None:
    if a[2:] != b[2:]:
        assert order(*a) != order(*b)


@given(st.integers(0, 10**60), st.integers(0, 10**60), st.integers(0, 3), st.integers(0, 3))
def test_digits_compare_as_numbers_of_any_length(a: int, b: int, zeros_a: int, zeros_b: int) -> None:
    assert (by_sequence("0" * zeros_a + str(a)) < by_sequence("0" * zeros_b + str(b))) == (a < b)
