"""Order keys: bytes that compare like the total order of the model."""

from hypothesis import given
from hypothesis import strategies as st

from catalog.vocabulary import Effect
from facts.order_key import after_restarts, at_position, order_key, position, stated_time
from model.order import order
from tests.support.strategies import NASTY_SEQUENCES

Place = tuple[str | None, int | None, Effect | None]

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=4)
numbered = st.builds(
    str.format,
    st.sampled_from(['["{}","{}"]', "{}/{}", "binlog.{}:{}", "{}{}", "a{}b{}", "{}é{}", "0{}00{}"]),
    st.integers(0, 120),
    st.one_of(st.integers(0, 120), texts),
)
sequences = st.one_of(st.none(), st.sampled_from([s for s in NASTY_SEQUENCES if s]), texts, numbered)
times = st.one_of(st.none(), st.integers(-62_135_596_800_000_000_000, 253_402_300_799_999_999_999))
places = st.tuples(sequences, times, st.sampled_from([*Effect, None]))
positions = st.integers(1, 2**63)


@given(places, places, positions, positions)
def test_order_keys_compare_like_the_model_orders(one: Place, other: Place, arrival: int, later: int) -> None:
    keys = at_position(order_key(*one), arrival), at_position(order_key(*other), later)
    orders = order(*one, arrival, "", ""), order(*other, later, "", "")
    assert (keys[0] < keys[1]) == (orders[0] < orders[1])
    assert (keys[0] == keys[1]) == (orders[0] == orders[1])


@given(places, places)
def test_arrival_never_decides_against_what_owners_state(one: Place, other: Place) -> None:
    if order_key(*one) < order_key(*other):
        assert at_position(order_key(*one), 2) < at_position(order_key(*other), 1)


@given(places, positions)
def test_position_of_an_order_key_is_the_arrival(place: Place, arrival: int) -> None:
    assert position(at_position(order_key(*place), arrival)) == arrival


@given(places, positions)
def test_time_of_an_order_key_is_that_of_the_fact(place: Place, arrival: int) -> None:
    order = at_position(order_key(*place), arrival)
    assert stated_time(order) == stated_time(after_restarts(order, 3)) == place[1]


def test_empty_order_key_has_the_position_0() -> None:
    assert position(b"") == 0


def test_long_sequence_is_encoded_in_linear_time() -> None:
    assert len(order_key(".a" * 1_000_000, None, None)) < 6_000_000
    assert len(order_key("a" * 60_000, None, None)) < 60_100
