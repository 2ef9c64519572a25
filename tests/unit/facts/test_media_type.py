"""Media types of JSON, by the rule of CloudEvents: the subtype is json, or ends with +json."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts.media_type import foreign_charset, is_json

token = st.text("abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.-", min_size=1, max_size=10)
quoted = st.text("ab c;=,/+json", max_size=8).map(lambda text: f'"{text}"')
gaps = st.sampled_from(["", " ", "\t", "  "])
parameters = st.lists(st.tuples(gaps, gaps, token.map("x-".__add__), st.one_of(token, quoted)), max_size=3).map(
    lambda found: "".join(f"{before};{after}{name}={value}" for before, after, name, value in found)
)
cases = st.sampled_from([str.lower, str.upper, str.title, str])


@given(token, cases, parameters)
def test_every_type_that_ends_with_json_is_json(prefix: str, case: type[str], more: str) -> None:
    for name in (f"application/{prefix}+json", "application/json", "text/json", f"model/{prefix}+json"):
        assert is_json(case(name) + more)
        assert foreign_charset(case(name) + more) == ""


@given(token, parameters)
def test_other_types_are_not_json(subtype: str, more: str) -> None:
    for name in (
        f"application/{subtype}+xml",
        f"application/json{subtype}",
        f"{subtype}",
        f"application/{subtype}-json",
    ):
        assert not is_json(name + more)


@pytest.mark.parametrize(
    "name", ["", "/", "json", "application/", "application/+json", "/json", "a b/json", "text/plain"]
)
def test_malformed_type_is_not_json(name: str) -> None:
    assert not is_json(name)


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "Utf8", "US-ASCII", " utf-8 "])
@pytest.mark.parametrize("name", ["charset", "Charset", "CHARSET"])
def test_charset_of_utf_8_is_not_foreign(name: str, charset: str) -> None:
    assert foreign_charset(f"application/json; version=1; {name}={charset}") == ""


@pytest.mark.parametrize("charset", ["utf-16", "ISO-8859-1", '"utf-32"'])
def test_other_charset_is_foreign(charset: str) -> None:
    assert foreign_charset(f'application/json;profile="a; charset=utf-8";Charset={charset}') == charset.strip('"')
