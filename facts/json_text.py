"""JSON as senders write it: parsed so that one bad event does not make its neighbours unreadable.

orjson parses almost everything. It drops all but the last of several members of one name, and rounds numbers, without
a word; so what it returns is compared with what was read. JSON that differs, and what orjson refuses (lone surrogates,
numbers beyond 64 bits, deep nesting), is read by the standard library. A value that cannot be stored as it is has a
flaw, and its envelope can still be read.
"""

import json
import reprlib
from typing import Any, NoReturn

import orjson

from errors import Malformed, Unacceptable
from facts.json_numbers import exact, may_change

WHITE_SPACE = b" \t\r\n"

_SHOWN = 40
"""Characters of a name or number in a message."""


def parse_json(raw: bytes, field: str = "event") -> tuple[Any, str]:
    """Returns one JSON value, and why it cannot be stored although it is good JSON (empty: it can).

    ``field`` is named in errors. Raises Malformed for bytes that are no JSON, Unacceptable for JSON nested deeper than
    can be parsed.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _parse_exactly(raw, field)
    return (value, "") if is_faithful(raw, value) else _parse_exactly(raw, field)


def is_faithful(raw: bytes, value: Any) -> bool:
    """Whether orjson has certainly lost nothing of this JSON: no member, and no digit of a number.

    A member that was dropped is noticed by the quotes of its name: as many as were read must be there to be written.
    """
    try:
        written = orjson.dumps(value)
    except orjson.JSONEncodeError:  # nested too deep
        return False
    if written == raw:
        return True
    return raw.count(b'"') == written.count(b'"') and b"\\u0022" not in raw and not may_change(raw)


def _parse_exactly(raw: bytes, field: str) -> tuple[Any, str]:
    flaws: list[str] = []

    def number(text: str) -> int | float:
        value = exact(text)
        if value is None:
            flaws.append(f"the number {_shown(text)} cannot be kept exactly: send it as a text")
            return 0
        return value

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            flaws.append(f"an object has two members named {_shown(_repeated(pairs))!r}")
        return found

    try:
        value = json.loads(
            raw.decode(), parse_constant=_no_constant, parse_float=number, parse_int=number, object_pairs_hook=members
        )
    except RecursionError:
        raise Unacceptable("nested too deep", "too_deep") from None
    except UnicodeDecodeError:
        raise Malformed(field, "is no UTF-8") from None
    except ValueError as error:
        raise Malformed(field, f"is no JSON: {error}"[:200]) from None
    return value, flaws[0] if flaws else ""


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    return next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def dump_json(value: Any) -> bytes:
    """Serialises a parsed value for the quarantine: lone surrogates are escaped; what JSON cannot hold is abridged."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        pass
    try:
        return json.dumps(value).encode()
    except (RecursionError, ValueError, TypeError):
        shortened = reprlib.Repr()
        shortened.maxlevel, shortened.maxdict, shortened.maxlist, shortened.maxstring = 20, 100, 100, 1_000
        return shortened.repr(value).encode("utf-8", "backslashreplace")
