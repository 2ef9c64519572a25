"""CloudEvents in HTTP requests: the four content modes, each read into a batch of facts.

Binary (``ce-`` headers), structured (one JSON object), batch (a JSON array) and NDJSON (one object per line).
Source: CloudEvents HTTP Protocol Binding 1.0.2; NDJSON is an addition. One event that cannot be parsed must not
hide its neighbours, so a batch that is no good JSON as a whole is cut into its elements, and each is parsed alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request

from api.http.content_coding import CODINGS, GZIP_MAGIC, decoded, refused_coding
from api.http.event_headers import read_attributes
from api.http.problems import MediaTypeRefused, TooLarge
from api.http.requests import read_body
from config import Limits
from errors import Malformed, Unacceptable
from facts.byte_order_marks import LONGEST_MARK, foreign_encoding, without_marks
from facts.ingest import Batch
from facts.json_array import array_elements
from facts.json_text import is_faithful, parse_json
from facts.media_type import essence, foreign_charset, is_json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"
NDJSON_NAMES = (NDJSON, "application/ndjson", "application/jsonl")
BINARY = "application/json"

CHUNK = 500
"""Lines of a stream that are recorded in one transaction, and events of a batch between two yields to the loop."""

_MODES = {STRUCTURED: STRUCTURED, BATCH: BATCH, **dict.fromkeys(NDJSON_NAMES, NDJSON)}
_ACCEPTED = (*_MODES, BINARY, "application/*+json")


def media_type(headers: Mapping[str, str]) -> str:
    """Returns the content mode as one of the four above. Raises MediaTypeRefused if the request has none of them.

    Binary mode is returned for any type of data: an event without data may have any content type, or none.
    """
    if coding := refused_coding(headers):
        raise _refused(f"content-encoding {coding} is not taken; send {CODINGS[0]}, or the body as it is")
    given = _content_type(headers)
    charset = foreign_charset(given) if ";" in given else ""
    if charset:
        raise _refused(f"charset {charset} is not taken; JSON is UTF-8")
    name = essence(given)
    if name in _MODES:
        return _MODES[name]
    if "ce-specversion" in headers and not name.startswith("application/cloudevents"):
        return BINARY
    if is_json(name) and not name.startswith("application/cloudevents"):
        raise _refused(f"{name} needs ce- headers; an event as one object is {STRUCTURED}")
    raise _refused(f"{name} is not taken; send {STRUCTURED}, {BATCH}, {NDJSON}, or {BINARY} with ce- headers")


def _content_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type") or BINARY


def _refused(reason: str) -> MediaTypeRefused:
    return MediaTypeRefused(reason, accept=_ACCEPTED, accept_encoding=CODINGS)


async def read_events(request: Request, kind: str, batch: Batch, limits: Limits) -> None:
    """Adds the events of a whole body to a batch; ``kind`` is its media type, and not NDJSON.

    Raises Malformed for a batch that is no array, Malformed or Forbidden for a single event that cannot be recorded,
    MediaTypeRefused for data that is no JSON, and TooLarge for a body or a batch beyond the limits.
    """
    mend = f"; send several, or a stream of {NDJSON}"
    content = await read_body(request, limits.body, mend, decoded=decoded(request))
    _check_beginning(content)
    content = without_marks(content)
    if kind == BATCH:
        await _read_array(batch, content, limits.batch)
    elif kind == STRUCTURED:
        batch.add_json(content)
    else:
        _read_binary(batch, request.headers, content)


def _check_beginning(content: bytes) -> None:
    """Raises Malformed for a body that is gzip and does not say so, and for one that is UTF-16 or UTF-32."""
    if content.startswith(GZIP_MAGIC):
        raise Malformed("body", "is gzip: say so, by the header Content-Encoding: gzip")
    if encoding := foreign_encoding(content):
        raise Malformed("body", f"is {encoding}: send UTF-8")


def _read_binary(batch: Batch, headers: Mapping[str, str], content: bytes) -> None:
    event, flaw = read_attributes(headers), ""
    if content.strip():
        given = _content_type(headers)
        if not is_json(given):
            raise _refused(f"data of the type {essence(given)} is not taken; send JSON, as {BINARY}")
        try:
            event["data"], flaw = parse_json(content, "data")
        except Unacceptable as error:
            flaw = error.reason
    batch.add(event, raw=content if flaw else None, flaw=flaw)


async def _read_array(batch: Batch, content: bytes, limit: int) -> None:
    add: Callable[[Any], object]
    try:
        events: Any = orjson.loads(content)
        whole = is_faithful(content, events)
    except orjson.JSONDecodeError:
        whole = False
    add = batch.add
    if not whole:
        # In a thread: cutting up a large array takes long enough to delay other requests.
        events = await asyncio.to_thread(array_elements, content)
        add = batch.add_json
    if type(events) is not list:
        raise Malformed("batch", "is no JSON array")
    if len(events) > limit:
        raise TooLarge(f"{len(events)} events in one batch, {limit} are taken; send several, or {NDJSON}")
    for index, event in enumerate(events):
        add(event)
        if index % CHUNK == CHUNK - 1:
            await asyncio.sleep(0)  # gives other requests a turn


async def read_stream(request: Request, new_batch: Callable[[int], Batch], limit: int) -> AsyncIterator[Batch]:
    """Yields the events of an NDJSON stream in batches of up to ``CHUNK`` lines.

    ``new_batch`` makes an empty batch that counts from an index on. A line of more than ``limit`` bytes is rejected
    alone; at one of more than twice as many, raises TooLarge, after all lines before it. Raises Malformed for a body
    that is encoded badly, after what could be decoded.
    """
    next_index = 0
    async for lines in _lines(decoded(request), limit):
        batch = new_batch(next_index)
        for line in lines:
            if len(line) <= limit:
                batch.add_json(line)
            else:
                batch.reject(f"too large: the line is longer than {limit} bytes", line, "too_large")
        yield batch
        next_index = batch.next_index


async def _lines(stream: AsyncIterator[bytes], limit: int) -> AsyncIterator[list[bytes]]:
    """Yields a stream's lines, without blank ones, in lists of up to ``CHUNK``, or less if they exceed ``limit`` bytes.

    Byte order marks at the beginning of a line are skipped. Of one of more than ``limit`` bytes some may be left out.
    """
    found: list[bytes] = []
    begun: list[bytes] = []
    length = 0
    try:
        async for part in _checked(stream):
            *ended, rest = part.split(b"\n")
            if ended:
                ended[0] = b"".join((*begun, ended[0]))
                found += _filled(ended)
                begun, length = [], 0
            if length <= limit:
                begun.append(rest)
            length += len(rest)
            if length > 2 * limit:
                raise TooLarge(f"a line is longer than {2 * limit} bytes")
            while len(found) >= CHUNK or sum(map(len, found)) > limit:
                yield found[:CHUNK]
                found = found[CHUNK:]
    except (Malformed, TooLarge):
        for start in range(0, len(found), CHUNK):
            yield found[start : start + CHUNK]
        raise
    found += _filled([b"".join(begun)])
    for start in range(0, len(found), CHUNK):
        yield found[start : start + CHUNK]


def _filled(lines: list[bytes]) -> list[bytes]:
    return [rest for line in lines if (rest := without_marks(line)).strip()]


async def _checked(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same stream; its beginning is checked, however it is cut. Raises Malformed as above."""
    start: bytes | None = b""
    async for part in stream:
        if start is None:
            yield part
            continue
        start += part
        if len(start) >= LONGEST_MARK:
            _check_beginning(start)
            yield start
            start = None
    if start:
        _check_beginning(start)
        yield start
