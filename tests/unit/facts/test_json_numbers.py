"""Numbers are kept exactly or refused, whatever their spelling."""

from decimal import Decimal

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facts.json_numbers import exact, may_change, plain
from facts.json_text import parse_json
from tests.support.json_spelling import VALUES, meaning

texts = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
doubles = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9007199254740993", 9007199254740993),
        ("9007199254740993.0", 9007199254740993),
        ("900719925474099300e-2", 9007199254740993),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1e19", 10**19),
        ("1e20", 1e20),
        ("100000000000000000000", 1e20),
        ("6.02214076e23", 6.02214076e23),
        ("0.10000000000000001", 0.1),
        ("0.1000000000000000055511151231257827", 0.1),
        ("1234567890123456.25", 1234567890123456.25),
        ("5e-324", 5e-324),
        ("1." + "0" * 5_000, 1),
        ("0e999999999999999999999", 0),
        ("1e0000000000000000000000002", 100),
    ],
)
def test_number_is_kept(text: str, value: float) -> None:
    assert exact(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "12345678901234567.25",
        "123456789012345.678",
        "9007199254740993.5",
        "0.30000000000000000001",
        "18446744073709551616",
        "18446744073709551616.0",
        "18446744073709551615.5",
        "-9223372036854775809",
        "1e400",
        "-1e400",
        "1e-400",
        "1.23456789e-320",
        "9" * 5_000,
        "0." + "0" * 400 + "1",
        "1" + "0" * 400,
    ],
)
def test_number_that_would_change_is_refused(text: str) -> None:
    assert exact(text) is None
    assert "cannot be kept exactly" in parse_json(text.encode())[1]
    assert "cannot be kept exactly" in parse_json(b'{"a": [' + text.encode() + b"]}")[1]


@given(texts)
@example("1234567890123456e5")
@example("0.000000000000001e-299")
def test_quick_check_overlooks_no_number_that_would_change(text: str) -> None:
    value, flaw = parse_json(b'{"a":%b}' % text.encode())
    assert (flaw == "") == (exact(text) is not None)
    if not flaw:
        assert value["a"] == exact(text)


@given(texts)
def test_spelling_does_not_decide_whether_a_number_is_kept(text: str) -> None:
    number = Decimal(text)
    assert exact(text) == exact(f"{number:E}") == exact(f"{number:f}")


@given(doubles, st.integers(17, 60))
def test_double_is_kept_in_every_precision_that_identifies_it(value: float, digits: int) -> None:
    assert meaning(exact(repr(value))) == meaning(value)
    if abs(value) < 2**63:
        kept = exact(f"{value:.{digits - 1}e}")
        assert kept is not None
        assert float(kept) == value


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(-250, 250))
def test_fifteen_digits_are_always_kept(digits: int, exponent: int) -> None:
    kept = exact(f"{digits}e{exponent}")
    assert kept is not None
    assert meaning(kept) == meaning(float(f"{digits}e{exponent}"))


@given(st.integers(-(2**63), 2**64 - 1))
def test_integer_of_64_bits_is_kept(value: int) -> None:
    assert exact(str(value)) == value
    assert not may_change(b'{"a":%d,"b":"%d"}' % (value, value)) or len(str(value)) > 19


@given(VALUES)
def test_plain_value_means_the_same_and_spells_no_integer_as_a_fraction(value: object) -> None:
    assert meaning(plain(value)) == meaning(value)
    assert plain(orjson.loads(orjson.dumps(plain(value)))) == plain(value)


def test_plain_numbers() -> None:
    values = [1.0, 1e2, -0.0, 1.5, 1e19, True, {"a": [2.0]}, 5.408374341123653e16]
    assert orjson.dumps(plain(values)) == b'[1,100,0,1.5,10000000000000000000,true,{"a":[2]},54083743411236530]'
    assert [type(value) for value in plain([1e20, -9.3e18, 1.5])] == [float] * 3
