"""JSON is parsed so that nothing is lost without a word: no member of an object, and no digit of a number."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import Malformed
from facts.json_array import array_elements
from facts.json_text import parse_json
from tests.support.json_spelling import OBJECTS, TEXTS, VALUES, meaning, spell

randoms = st.integers(0, 2**32).map(Random)


@given(VALUES, randoms)
def test_every_spelling_of_a_value_is_read_as_that_value(value: Any, random: Random) -> None:
    read, flaw = parse_json(spell(random, value).encode())
    assert (meaning(read), flaw) == (meaning(value), "")


@given(OBJECTS, TEXTS, VALUES, VALUES, randoms)
def test_name_given_twice_is_a_flaw_at_any_depth_in_any_spelling(
    others: dict[str, Any], name: str, one: Any, other: Any, random: Random
) -> None:
    members = [f"{spell(random, key)}:{spell(random, item)}" for key, item in others.items() if key != name]
    members += [f"{spell(random, name)}:{spell(random, value)}" for value in (one, other)]
    random.shuffle(members)
    twice = "{" + ",".join(members) + "}"
    for _ in range(random.randint(0, 3)):
        twice = random.choice((f"[1, {twice}]", f'{{"a": {twice}, "b": 0}}'))
    assert "two members named" in parse_json(twice.encode())[1]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a": 1, "\\u0061": 2}',
        '{"a":"\\u0022\\u0022","a":""}',
        '[{"b":{"":0,"":0}}]',
        '{"a":{},"a":{}}',
        '{"id":"1","id":"2"}',
        '{"\\ud800":1,"\\ud800":2}',
    ],
)
def test_repeated_name_is_a_flaw(text: str) -> None:
    assert "two members named" in parse_json(text.encode())[1]


@pytest.mark.parametrize("text", ['[{"a":1},{"a":1}]', '{"a":{"a":{"a":1}}}', '{"a":1,"A":1}', '{"\\"":1,"\\"\\"":2}'])
def test_same_name_in_different_objects_is_no_flaw(text: str) -> None:
    assert parse_json(text.encode()) == (json.loads(text), "")


arrays = st.lists(VALUES, max_size=4).flatmap(lambda value: randoms.map(lambda random: spell(random, value)))
mutations = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(["", ",", "[", "]", "{", "}", '"', ":", " ", "1", "\\", "\x0c"])),
    max_size=3,
)


@given(arrays, mutations)
def test_array_is_cut_into_good_elements_exactly_if_it_is_good_json(text: str, changes: list[tuple[int, str]]) -> None:
    for at, put in changes:
        at %= len(text) + 1
        text = text[:at] + put + text[at + (put == "") :]
    try:
        expected = json.loads(text)
    except ValueError:
        expected = None
    try:
        elements = [parse_json(element)[0] for element in array_elements(text.encode())]
    except Malformed:
        elements = None
    if isinstance(expected, list):
        assert elements is not None
        assert len(elements) == len(expected)
    else:
        assert elements is None


@pytest.mark.parametrize(
    "text", ["[{},]", "[{}}", "[,]", "[{},,{}]", "[[}]", "[{]", "[{}]]", '["]', "[] x", "\x0c[]", "[]\x0c"]
)
def test_unmatched_bracket_or_empty_element_is_noticed(text: str) -> None:
    with pytest.raises(Malformed):
        [parse_json(element) for element in array_elements(text.encode())]
