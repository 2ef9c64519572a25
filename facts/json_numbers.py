"""Numbers in JSON: which are kept exactly, and the one spelling of each.

Tether keeps integers of 64 bits and IEEE 754 doubles. A number that would become another one is refused, and an
integer is written as one, however it was spelled (1.0, 1e0 and 1 are the same number: RFC 8785, section 3.2.2.3).
"""

import re
from decimal import Decimal
from math import isinf
from typing import Any

_LEAST, _BEYOND = -(2**63), 2**64
"""The integers that orjson reads and writes exactly: from the first to below the second."""
_ALL_DOUBLES = 2**53
"""Up to this, every integer is a double."""
_MOST_DIGITS = 767
"""No double has more significant digits than this, all of them written out."""

_SHAPES = bytes.maketrans(b"123456789.E", b"0000000000e")
_RISKS = (b"0" * 17, b"0" * 16 + b"e", b"0e-000")
"""Many digits, many digits and an exponent, a tiny number; each digit and point is replaced by 0."""
_IN_NUMBERS = b"0e+-"
_BEFORE_NUMBERS = b":,[ \t\r\n"
_REST = re.compile(rb"[0-9.eE+-]*")
_KEPT = re.compile(rb"(?:-[0-9]{1,18}|[0-9]{1,19})(?![0-9.eE+-])")
"""An integer that certainly has no more than 64 bits."""


def may_change(raw: bytes) -> bool:
    """Whether JSON may hold a number that is not kept exactly. Never False if it does; rarely True if it does not.

    A number of at most 15 digits is kept, unless it is too small for a double; those too large are no JSON to orjson.
    Takes 0.3 µs where there is no longer run of digits, as a search by a regular expression does not.
    """
    shapes = raw.translate(_SHAPES)
    return any(risk in shapes and _may_change(raw, shapes, risk) for risk in _RISKS)


def _may_change(raw: bytes, shapes: bytes, risk: bytes) -> bool:
    """Looks at every place where the risk occurs: most are within texts, or integers of 64 bits."""
    at = shapes.find(risk)
    while at >= 0:
        begin = at
        while begin and shapes[begin - 1] in _IN_NUMBERS:
            begin -= 1
        if (not begin or raw[begin - 1] in _BEFORE_NUMBERS) and not _KEPT.match(raw, begin):
            return True
        rest = _REST.match(raw, at)
        at = shapes.find(risk, rest.end() if rest else at + 1)
    return False


def exact(text: str) -> int | float | None:
    """The number that JSON spells so; None if it cannot be kept exactly.

    A fraction is kept if its double, written with as many digits, is the same number: what a program that computes
    with doubles writes is taken, in any precision. An integer beyond 64 bits is kept if it is the shortest spelling
    of its double.
    """
    digits = text.lower().partition("e")[0].replace(".", "").lstrip("-0").rstrip("0")
    if not digits:
        return 0
    value = float(text)
    if not value or isinf(value) or len(digits) > _MOST_DIGITS:
        return None
    number = Decimal(text)
    if _LEAST <= number < _BEYOND and number == (whole := int(number)):
        return whole
    if number == Decimal(repr(value)):
        return value
    if abs(value) < -_LEAST and number == Decimal(f"{value:.{len(digits) - 1}e}"):
        return value
    return None


def plain(value: Any) -> Any:
    """The same JSON with every integer spelled as one: 1 for 1.0, 0 for -0.0."""
    kind = type(value)
    if kind is dict:
        return {name: plain(item) for name, item in value.items()}
    if kind is list:
        return [plain(item) for item in value]
    if kind is float and value.is_integer():
        # Beyond 2**53 a double may be written rounded: then its value is what is written, as in `exact`.
        whole = int(value) if abs(value) <= _ALL_DOUBLES else int(Decimal(repr(value)))
        return whole if _LEAST <= whole < _BEYOND else value
    return value
