"""CloudEvents in HTTP requests: the four content modes, each read into a batch of facts.

Binary (``ce-`` headers), structured (one JSON object), batch (a JSON array) and NDJSON (one object per line).
Source: CloudEvents HTTP Protocol Binding 1.0.2; NDJSON is an addition. One event that cannot be parsed must not
hide its neighbours, so a batch that is no good JSON as a whole is cut into its elements, and each is parsed alone.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.requests import Request

from api.http.problems import MediaTypeRefused, TooLarge
from api.http.requests import read_body
from config import Limits
from errors import Forbidden, Malformed, TetherError, Unacceptable
from facts.ingest import Batch
from facts.json_text import array_elements, parse_json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"
BINARY = "application/json"

CHUNK = 500
"""Lines of a stream that are recorded in one transaction, and events of a batch between two yields to the loop."""

_QUOTED_PAIR = re.compile(r"\\(.)")


def media_type(headers: Mapping[str, str]) -> str:
    """Returns one of the four above. Raises MediaTypeRefused for any other, and for an encoded body."""
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


async def read_events(request: Request, kind: str, batch: Batch, limits: Limits) -> None:
    """Adds the events of a whole body to a batch; ``kind`` is its media type, and not NDJSON.

    Raises Malformed, Forbidden, and TooLarge for a body or a batch beyond the limits.
    """
    content = await read_body(request, limits.body, f"; send several, or a stream of {NDJSON}")
    if kind == BATCH:
        await _read_array(batch, content, limits.batch)
    elif kind == STRUCTURED:
        batch.add_json(content)
    else:
        _read_binary(batch, request.headers, content)


def _read_binary(batch: Batch, headers: Mapping[str, str], content: bytes) -> None:
    event, flaw = _attributes(headers), ""
    if content.strip():
        try:
            event["data"], flaw = parse_json(content, None, "data")
        except Unacceptable as error:
            flaw = error.reason
    batch.add(event, raw=content if flaw else None, flaw=flaw)


def _attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    """The event without its data. Attribute values are quoted, percent-encoded or plain."""
    return {
        name.removeprefix("ce-"): unquote(_unquoted(value), errors="surrogateescape")
        for name, value in headers.items()
        if name.startswith("ce-")
    }


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return _QUOTED_PAIR.sub(r"\1", value[1:-1]) if quoted else value


async def _read_array(batch: Batch, content: bytes, limit: int) -> None:
    add: Callable[[Any], object]
    try:
        events: list[Any] = orjson.loads(content)
        add = batch.add
    except orjson.JSONDecodeError:
        # In a thread: cutting up a large array takes long enough to delay other requests.
        events = await asyncio.to_thread(lambda: list(array_elements(content)))
        add = batch.add_json
    if type(events) is not list:
        raise Malformed("batch", "is no JSON array")
    if len(events) > limit:
        raise TooLarge(f"{len(events)} events in one batch, {limit} are taken; send several, or {NDJSON}")
    for index, event in enumerate(events):
        add(event)
        if index % CHUNK == CHUNK - 1:
            await asyncio.sleep(0)  # gives other requests a turn


async def read_stream(request: Request, new_batch: Callable[[int], Batch], line_limit: int) -> AsyncIterator[Batch]:
    """Yields the events of an NDJSON stream in batches of up to ``CHUNK`` lines.

    ``new_batch`` makes an empty batch that counts from an index on; ``line_limit`` is in bytes. Raises Malformed,
    Forbidden or TooLarge at the first bad line, after a batch of the lines before it.
    """
    next_index = 0
    async for lines in _lines(request.stream(), line_limit):
        batch = new_batch(next_index)
        failure = _add_lines(batch, lines)
        yield batch
        if failure is not None:
            raise failure
        next_index = batch.next_index


def _add_lines(batch: Batch, lines: list[bytes]) -> TetherError | None:
    """Adds lines up to the first that is refused; returns its error."""
    for line in lines:
        try:
            batch.add_json(line)
        except (Malformed, Forbidden) as failure:
            return failure
    return None


async def _lines(stream: AsyncIterator[bytes], limit: int) -> AsyncIterator[list[bytes]]:
    """Yields a stream's lines in lists of up to ``CHUNK``, without blank ones.

    Raises TooLarge at a line of more than ``limit`` bytes, after all lines before it.
    """
    rest = b""
    found: list[bytes] = []
    too_long = False
    async for part in stream:
        pieces = (rest + part).split(b"\n")
        rest = pieces.pop()
        found += [line for line in pieces if line.strip()]
        too_long = len(rest) > limit
        if too_long:
            break
        while len(found) >= CHUNK:
            yield found[:CHUNK]
            found = found[CHUNK:]
    if rest.strip() and not too_long:
        found.append(rest)
    for start in range(0, len(found), CHUNK):
        yield found[start : start + CHUNK]
    if too_long:
        raise TooLarge(f"a line is longer than {limit} bytes")
