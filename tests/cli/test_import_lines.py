"""Import and API agree on what a line is, wherever a file is cut into batches: both sides are the real ones."""

import asyncio
import re
from functools import partial
from io import BufferedReader, BytesIO

import httpx2
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from api.http.cloudevents import read_stream
from catalog import catalog as catalogs
from cli.connection import Endpoint
from cli.imports.lines import LineSource
from cli.imports.sender import BatchSender
from config import Limits
from facts.ingest import Batch
from facts.validation import Validator
from tests.support.sampling import examples

VALIDATOR = Validator(catalogs.load(), Limits())
PIECES = [
    b"\n",
    b"\r\n",
    b" ",
    b"\x0c",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x1f\x8b",
    b"\x00",
    b"{}",
    b'{"id": "1"}',
    b"x",
]
MARKS = re.compile(rb"^(?:\xef\xbb\xbf)+")
CONTENT = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join).filter(lambda it: it[:2] not in PIECES[5:7])


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads a stream as the API does, and reports on each of its lines without recording any."""
    rejected = []
    async for batch in read_stream(Request(scope, receive), partial(Batch, VALIDATOR, None, None, False), 1_000):
        rejected += [{"index": flawed.index, "reason": flawed.reason} for flawed in batch.flawed]
    await JSONResponse({"rejected": rejected}, 202)(scope, receive, send)


async def imported(content: bytes, size: int) -> list[tuple[int, str]]:
    """Imports a file in batches of ``size`` lines; returns line number and reason of each line."""
    source = LineSource("f", BufferedReader(BytesIO(content)), None)
    found = []
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api)) as http:
        sender = BatchSender(http, Endpoint("http://tether.test", ""), 0.0, lambda _: None, path="/v1/events")
        for batch in source.batches(size, 0):
            found += [(rejected.line, rejected.reason) for rejected in (await sender.send(batch)).rejected]
    return found


@settings(max_examples=examples(17))
@given(CONTENT, st.integers(1, 4))
@example(b"\xef\xbb\xbf", 1)
@example(b"x\n\xff\xfe\n{}", 1)
@example(b"x\n\xef\xbb\xbf{}\n\xef\xbb\xbf{}", 2)
def test_outcome_of_a_line_is_the_same_in_batches_of_any_size(content: bytes, size: int) -> None:
    whole = asyncio.run(imported(content, 1_000))
    assert asyncio.run(imported(content, size)) == whole
    filled = [number for number, line in enumerate(content.split(b"\n"), 1) if MARKS.sub(b"", line).strip()]
    assert [number for number, _ in whole] == filled
