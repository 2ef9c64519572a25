"""JSON as senders write it: parsed so that one bad event does not make its neighbours unreadable.

orjson parses almost everything. The standard library is the fallback for good JSON that orjson refuses: lone
surrogates, numbers beyond 64 bits, deep nesting. Such a value cannot be stored, but its envelope can be read.
"""

import json
import re
import reprlib
from collections.abc import Iterator
from typing import Any, NoReturn

import orjson

from errors import Malformed, Unacceptable

_ELEMENT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
"""A string, also an unterminated one, or a structural character. Possessive, so that matching takes linear time."""


def parse_json(raw: bytes, index: int | None, field: str = "event") -> tuple[Any, str]:
    """Returns one JSON value, and why it cannot be stored although it is good JSON (empty: it can).

    ``index``, the event's place in its request, and ``field`` are named in errors. Raises Malformed for bytes
    that are no JSON, Unacceptable for JSON nested deeper than can be parsed.
    """
    try:
        return orjson.loads(raw), ""
    except orjson.JSONDecodeError:
        pass
    flaws: list[str] = []

    def finite(text: str) -> float:
        value = float(text)
        if value in (float("inf"), float("-inf")):
            flaws.append(f"the number {text[:20]} is beyond 64 bits: send it as a text")
            return 0.0
        return value

    def whole(text: str) -> float:
        return int(text) if len(text) < 400 else finite(text)

    try:
        value = json.loads(raw.decode(), parse_constant=_no_constant, parse_float=finite, parse_int=whole)
    except RecursionError:
        raise Unacceptable("nested too deep") from None
    except UnicodeDecodeError:
        raise Malformed(field, "is no UTF-8", index) from None
    except ValueError as error:
        raise Malformed(field, f"is no JSON: {error}"[:200], index) from None
    return value, flaws[0] if flaws else ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def array_elements(content: bytes) -> Iterator[bytes]:
    """Cuts a JSON array into the bytes of its elements, unparsed. Raises Malformed if it is no array."""
    if not content.lstrip().startswith(b"["):
        raise Malformed("batch", "is no JSON array")
    depth, start, end = 0, 0, -1
    for found in _ELEMENT.finditer(content):
        mark = found.group()
        if mark in (b"[", b"{"):
            depth += 1
            if depth == 1:
                start = found.end()
        elif mark in (b"]", b"}"):
            depth -= 1
            if depth == 0:
                end = found.start()
                break
        elif mark == b"," and depth == 1:
            yield content[start : found.start()]
            start = found.end()
    if end < 0 or content[end + 1 :].strip():
        raise Malformed("batch", "is no JSON array")
    if content[start:end].strip():
        yield content[start:end]


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
