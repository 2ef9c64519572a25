"""Long answers, encoded as the client accepts it: gzip is written piece by piece, beside the event loop."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import Request
from fastapi.responses import StreamingResponse

from api.http.cloudevents import NDJSON
from api.http.open_answers import open_answer

_GZIP_FORMAT = 31
_LEVEL = 1
"""Lines that are alike become ten times smaller already; better levels take several times as long."""


def ndjson(request: Request, pieces: AsyncGenerator[bytes, None]) -> StreamingResponse:
    """Answers with lines as they come, at the pace of the client; gzipped if it accepts that."""
    headers = {"vary": "accept-encoding", "cache-control": "no-store"}
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        pieces, headers = _gzipped(pieces), {**headers, "content-encoding": "gzip"}
    return open_answer(request, pieces, media_type=NDJSON, headers=headers)


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header names gzip, or anything, without the weight 0 (RFC 9110, 12.5.3)."""
    weights = {}
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        weights[name.strip()] = weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


async def _gzipped(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Each piece can be decoded as soon as it has arrived."""
    coder = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)

    def coded(piece: bytes) -> bytes:
        return coder.compress(piece) + coder.flush(zlib.Z_SYNC_FLUSH)

    async with aclosing(pieces):
        async for piece in pieces:
            yield await asyncio.to_thread(coded, piece)
    yield coder.flush()
