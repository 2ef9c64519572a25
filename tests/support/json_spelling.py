"""JSON values, and the many texts that mean the same."""

import json
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-20, 20),
    st.sampled_from([2**53, 2**53 + 1, -(2**63), 2**63, 2**64 - 1, 10**19, 0.1, 1e300, 5e-324, 1e22, -1.5e-7]),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(TEXTS, VALUES, max_size=5)

_SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def spell(random: Random, value: Any) -> str:
    """Returns a JSON text of this value: any order of names, white space, escapes and spelling of numbers."""

    def gap() -> str:
        return "".join(random.choices(" \t\r\n", k=random.choice((0, 0, 0, 1, 2))))

    def spelled(value: Any) -> str:
        if isinstance(value, dict):
            members = [f"{gap()}{_text(random, name)}{gap()}:{spelled(item)}" for name, item in value.items()]
            random.shuffle(members)
            return f"{gap()}{{{','.join(members) or gap()}}}{gap()}"
        if isinstance(value, list):
            return f"{gap()}[{','.join(map(spelled, value)) or gap()}]{gap()}"
        if isinstance(value, str):
            return f"{gap()}{_text(random, value)}{gap()}"
        if isinstance(value, bool) or value is None:
            return f"{gap()}{json.dumps(value)}{gap()}"
        return f"{gap()}{_number(random, value)}{gap()}"

    return spelled(value)


def meaning(value: Any) -> Any:
    """What a value means, comparable by ``==``: numbers by the decimal that is written, and not equal to booleans."""
    if isinstance(value, dict):
        return {name: meaning(item) for name, item in value.items()}
    if isinstance(value, list):
        return [meaning(item) for item in value]
    return Decimal(repr(value)) if type(value) in (int, float) else (type(value), value)


def _text(random: Random, text: str) -> str:
    return '"' + "".join(_character(random, one) for one in text) + '"'


def _character(random: Random, one: str) -> str:
    plain = one >= " " and one not in '"\\'
    if plain and random.random() < 0.6:
        return one
    if one in _SHORT and random.random() < 0.5:
        return _SHORT[one]
    units = one.encode("utf-16-be")
    digits = "{:04x}" if random.random() < 0.5 else "{:04X}"
    return "".join("\\u" + digits.format(int.from_bytes(units[at : at + 2])) for at in range(0, len(units), 2))


def _number(random: Random, value: float) -> str:
    exact = Decimal(repr(value))
    if not exact:
        return random.choice(("0", "-0", "0.0", "-0.0", "0e7", "-0E-400", "0.000"))
    sign, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    text, shift = "".join(map(str, digits)), random.randint(0, 3)
    forms = [
        json.dumps(value),
        f"{text}{'0' * shift}e{exponent - shift}",
        f"{text[0]}.{text[1:] or '0'}E{exponent + len(text) - 1:+}",
        f"0.{'0' * shift}{text}e{exponent + len(text) + shift}",
    ]
    if exponent >= 0 and exponent + len(text) < 25:
        forms += [f"{text}{'0' * exponent}.{'0' * (shift + 1)}", f"{text}{'0' * exponent}"]
    return ("-" if sign else "") + random.choice(forms).lstrip("-")
