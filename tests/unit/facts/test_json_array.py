"""An array with broken elements is cut where that is certain, and refused as a whole elsewhere."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from errors import Malformed
from facts.json_array import array_elements

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(['","', "},{", '"', "[", "\\"])
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner))
FLAT = st.dictionaries(st.text(max_size=5), LEAVES | st.dictionaries(st.text(max_size=3), LEAVES), min_size=1)


@given(values=st.lists(VALUES), indent=st.sampled_from([None, 1]))
def test_good_array_is_cut_into_its_elements(values: list[Any], indent: int | None) -> None:
    cut = array_elements(json.dumps(values, indent=indent).encode())
    assert [json.loads(element) for element in cut] == values


@given(good=st.lists(FLAT, max_size=8), broken=FLAT, place=st.integers(0, 8), length=st.integers(1, 80))
@example(good=[{"a": 1}] * 2, broken={"a": "x,{"}, place=1, length=9)
def test_element_that_is_cut_off_never_shifts_the_others(good: list[Any], broken: Any, place: int, length: int) -> None:
    """Wherever it ends: it is one element, or the array is refused."""
    parts = [json.dumps(one).encode() for one in good]
    parts.insert(place, json.dumps(broken).encode()[:length])
    try:
        cut = array_elements(b"[" + b", ".join(parts) + b"]")
    except Malformed:
        return
    assert [element.strip() for element in cut] == [part.strip() for part in parts]


GOOD = b'{"a": "x"}'


def test_several_kinds_of_broken_elements_are_cut_from_good_ones() -> None:
    parts = [b'{"a": "x}', GOOD, b'{"a": "y}', GOOD, b"5", b"{", b'{"a": "z']
    assert array_elements(b"[" + b",".join(parts) + b"]") == parts


@pytest.mark.parametrize(
    "broken",
    [
        *(b"{", b"{broken", b'{"a"', b'{"a": ', b'{"a": "x', b'{"a": {"b": 1', b'{"a": {"b": "x', b'{"a": "x}', b"nul"),
        *(b"", b"[1}", b"{a: 1, b: 2}", b"{'a': 'x', 'b': 1}", b'{"a": "say "x" twice"}', b'{"a": 1}}', b'{"a": 1]'),
        *(b'"x,]"', b'"x', b'{"a": tru, "b": [{"c": 1}, {"d": 2}]}', b'{"a": 1,}', b'{"a": "\\x"}'),
        b"[" * 2000 + b"]" * 2000,
    ],
)  # fmt: skip
def test_broken_element_is_one_element_between_good_ones(broken: bytes) -> None:
    for parts in ([GOOD, broken, GOOD, GOOD], [broken, GOOD], [GOOD, broken, GOOD, broken, GOOD]):
        assert array_elements(b"[" + b",".join(parts) + b"]") == parts


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{}", b'"[]"', b"[", b"[[]", b'["', b"[" * 5000, b'["\\', b"[] []", b'[{"a": "]"}', b"[1]x", b"null"),
        *(b'[{"a": [1, {"b": 1}, {"c": 1}]', b'[{"a": [{"b": 1}, {"c": 1}, {"d": 1}]', b'[{"a": 1, "b", {"c": 1}]'),
        *(b'[{"a": ["x, {"b": 1}, {"c": 1}]', b'[{"a": 1} {"b": 1}, {"c": 1}, 7}]'),
    ],
)
def test_array_that_cannot_be_cut_with_certainty_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        array_elements(content)


@pytest.mark.parametrize(("opened", "closed"), [("{", "}"), ("[", "]"), ("{", "]"), ("{", ",}"), ("", " ")])
def test_element_of_many_brackets_is_one_element(opened: str, closed: str) -> None:
    element = (opened * 100_000 + closed * 100_000).encode()
    assert array_elements(b"[" + element + b",5]") == [element, b"5"]


def test_many_strings_without_a_comma_between_are_refused_at_once() -> None:
    with pytest.raises(Malformed, match="event 0 do not match"):
        array_elements(b"[" + b'{"":' * 50_000 + b'"x"' * 50_000 + b"]")
