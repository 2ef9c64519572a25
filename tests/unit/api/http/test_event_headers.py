"""Attributes in headers are decoded from raw UTF-8, from Latin-1, and from percent-encoding."""

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from api.http.event_headers import read_attributes
from errors import Malformed

values = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def read(*values: bytes) -> object:
    """The attribute whose header has these bytes, as an ASGI server passes them on."""
    return read_attributes(Headers(raw=[(b"ce-subject", value) for value in values]))["subject"]


@given(values)
@example("Ã©")
def test_any_text_survives_percent_encoded(value: str) -> None:
    assert read(quote(value, safe="").encode()) == value
    assert read(quote(value, safe="/:@!$&'()*+,;=").encode()) == value


@given(values)
@example("Zürich – 東京 😀")
@example("Ã©")
def test_any_text_survives_as_raw_utf_8(value: str) -> None:
    """Encoded are only characters that have a meaning in a header: the percent sign, quotes, blanks, controls."""
    written = "".join(quote(one, safe="") if one in '%"' or one <= " " or one == "\x7f" else one for one in value)
    assert read(written.encode()) == value


@given(st.text(st.characters(min_codepoint=0xA1, max_codepoint=0xFF), min_size=1))
def test_bytes_that_are_no_utf_8_are_latin_1(value: str) -> None:
    raw = value.encode("latin-1")
    try:
        expected = raw.decode()
    except UnicodeDecodeError:
        expected = value
    assert read(raw) == expected


def test_raw_and_percent_encoded_characters_may_be_mixed() -> None:
    assert read("é%20%E2%82%AC ü".encode()) == "é € ü"
    assert read('"é \\"ü\\""'.encode()) == 'é "ü"'


def test_attribute_in_two_headers_is_refused() -> None:
    with pytest.raises(Malformed, match="subject: is given by two headers"):
        read(b"a", b"a")
