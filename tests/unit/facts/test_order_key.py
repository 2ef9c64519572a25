"""Order keys: bytes that compare like the total order of the model."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from facts.order_key import order_key
from model.order import order
from tests.support.strategies import NASTY_SEQUENCES

Place = tuple[str | None, int | None, str, str]

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=4)
sequences = st.one_of(st.none(), st.sampled_from([s for s in NASTY_SEQUENCES if s]), texts)
times = st.one_of(st.none(), st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
places = st.tuples(sequences, times, texts, texts)


@given(places, places)
def test_order_keys_compare_like_the_model_orders(one: Place, other: Place) -> None:
    assert (order_key(*one) < order_key(*other)) == (order(*one) < order(*other))
    assert (order_key(*one) == order_key(*other)) == (order(*one) == order(*other))


def test_numbers_and_texts_do_not_form_a_cycle() -> None:
    keys = {s: order_key(s, None, "/s", "1") for s in ("9", "10", "1a")}
    ranked = sorted(keys, key=lambda s: keys[s])
    assert ranked == ["1a", "9", "10"]
    assert all(sorted(p, key=lambda s: keys[s]) == ranked for p in permutations(keys))


def test_leading_zeros_are_ignored() -> None:
    assert order_key("007", 5, "/s", "1") == order_key("7", 5, "/s", "1")


def test_fact_with_a_sequence_follows_all_without_one() -> None:
    assert order_key(None, 10**15, "/z", "z") < order_key("a", None, "/a", "a") < order_key("0", None, "/a", "a")
