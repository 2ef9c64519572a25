"""CloudEvents 1.0 over HTTP: how events lie in a request.

Binary (``ce-`` headers), structured (one JSON object), batch (a JSON array) and NDJSON (one object a line).
Source: CloudEvents HTTP Protocol Binding 1.0.2. One event that cannot be read must not hide its neighbours,
so a batch that is no good JSON as a whole is cut into its elements, and each is read for itself.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import unquote

import orjson
from starlette.requests import Request

from api.http.problems import MediaTypeRefused, TooLarge
from errors import Malformed, Unacceptable

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"
BINARY = "application/json"

_ELEMENT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
"""A text, also one without an end, or a mark. Possessive, so that it takes linear time whatever comes."""
_QUOTED_PAIR = re.compile(r"\\(.)")


def media_type(headers: Mapping[str, str]) -> str:
    """One of the four above. Raises MediaTypeRefused."""
    coding = headers.get("content-encoding", "identity").strip()
    if coding.lower() not in ("", "identity"):
        raise MediaTypeRefused(f"content-encoding {coding} is not taken; send it as it is")
    given = headers.get("content-type", BINARY).partition(";")[0].strip().lower()
    if given in (STRUCTURED, BATCH, NDJSON):
        return given
    if given == BINARY and "ce-specversion" in headers:
        return BINARY
    if given == BINARY:
        raise MediaTypeRefused(f"application/json needs ce- headers; an event as one object is {STRUCTURED}")
    raise MediaTypeRefused(f"{given} is not taken; send {STRUCTURED}, {BATCH}, {NDJSON}, or {BINARY} with ce- headers")


async def body(request: Request, limit: int, mend: str = "") -> bytes:
    """The whole body. Raises TooLarge beyond ``limit`` bytes, before it has all come; ``mend``: what to do then."""
    parts: list[bytes] = []
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else 0
    if size <= limit:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > limit:
                break
            parts.append(part)
    if size > limit:
        raise TooLarge(f"the body is larger than {limit} bytes{mend}")
    return b"".join(parts)


async def lines(stream: AsyncIterator[bytes], limit: int, size: int) -> AsyncIterator[list[bytes]]:
    """The lines of a stream in lists of up to ``size``, blank ones left out.

    Raises TooLarge at a line of more than ``limit`` bytes, after all that came before it.
    """
    kept = b""
    found: list[bytes] = []
    endless = False
    async for part in stream:
        pieces = (kept + part).split(b"\n")
        kept = pieces.pop()
        found += [line for line in pieces if line.strip()]
        endless = len(kept) > limit
        if endless:
            break
        while len(found) >= size:
            yield found[:size]
            found = found[size:]
    if kept.strip() and not endless:
        found.append(kept)
    for start in range(0, len(found), size):
        yield found[start : start + size]
    if endless:
        raise TooLarge(f"a line is longer than {limit} bytes")


def attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    """The event in binary mode, without its data: attributes are headers, quoted or percent-encoded or neither."""
    return {
        name.removeprefix("ce-"): unquote(_unquoted(value), errors="surrogateescape")
        for name, value in headers.items()
        if name.startswith("ce-")
    }


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return _QUOTED_PAIR.sub(r"\1", value[1:-1]) if quoted else value


def parse(raw: bytes, index: int | None, what: str = "event") -> tuple[Any, str]:
    """One JSON value, and why it cannot be kept although it is good JSON (empty: it can).

    Raises Malformed if it is none, Unacceptable if it cannot even be read.
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

    try:  # good JSON that orjson does not take: lone surrogates, great numbers, deep nesting
        value = json.loads(raw.decode(), parse_constant=_no_constant, parse_float=finite, parse_int=whole)
    except RecursionError:
        raise Unacceptable("nested too deep") from None
    except UnicodeDecodeError:
        raise Malformed(what, "is no UTF-8", index) from None
    except ValueError as error:
        raise Malformed(what, f"is no JSON: {error}"[:200], index) from None
    return value, flaws[0] if flaws else ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def elements(content: bytes) -> Iterator[bytes]:
    """The elements of a JSON array, as they are written. Raises Malformed if it is no array."""
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
