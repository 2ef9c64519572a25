"""Bodies of requests that are encoded: gzip is decoded while it arrives, within limits."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request

from api.http.problems import TooLarge
from errors import Malformed

CODINGS = ("gzip", "identity")
"""The codings that are taken, as ``Accept-Encoding`` names them."""
RATIO = 100
"""How many times larger than itself a body may become: events that are alike become fifty times larger."""
FREE = 1 << 20
"""Bytes of a decoded body to which the ratio does not apply."""
GZIP_MAGIC = b"\x1f\x8b"

_PIECE = 1 << 16
_GZIP_FORMAT = 31


def refused_coding(headers: Mapping[str, str]) -> str:
    """The content coding that is not taken; empty if all are."""
    codings = _codings(headers)
    return "" if codings in ([], ["gzip"]) else ", ".join(codings)


def _codings(headers: Mapping[str, str]) -> list[str]:
    given = headers.get("content-encoding")
    if given is None:
        return []
    names = (name.strip().lower() for name in given.split(","))
    return ["gzip" if name == "x-gzip" else name for name in names if name not in ("", "identity")]


def decoded(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces, decoded. Raises Malformed for broken gzip, TooLarge for one that expands too much."""
    return _gunzip(request.stream()) if _codings(request.headers) else request.stream()


async def _gunzip(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    member = zlib.decompressobj(_GZIP_FORMAT)
    received = produced = 0
    async for part in stream:
        received += len(part)
        piece = b""
        while part or (len(piece) == _PIECE and not member.eof):
            if member.eof:  # a gzip file may consist of several
                member = zlib.decompressobj(_GZIP_FORMAT)
            try:
                piece = member.decompress(part, _PIECE)
            except zlib.error:
                raise Malformed("body", "is no gzip, which Content-Encoding says it is") from None
            part = member.unused_data or member.unconsumed_tail
            produced += len(piece)
            if produced > FREE + RATIO * received:
                raise TooLarge(f"the body becomes more than {RATIO} times larger when it is decoded")
            yield piece
            await asyncio.sleep(0)  # gives other requests a turn
    if received and not member.eof:
        raise Malformed("body", "is gzip that ends too early")
