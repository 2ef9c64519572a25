"""The feed on an open connection: Server-Sent Events, and lines of JSON.

*Caught up* and *quiet* are two signals: the first says once that everything there was has been sent, the second, every
few seconds, that nothing came meanwhile and the connection is alive.
"""

import random
from collections.abc import AsyncGenerator
from time import monotonic

import orjson

from api.http.feed_answers import next_cursor
from api.http.feed_reader import QUIET, FeedPage, FeedReader
from api.http.feed_request import FeedRequest
from facts.tokens import token

SPREAD = 0.1
"""Part of its time by which an open connection ends earlier, at random: not all clients come back at once."""


async def server_sent(
    reader: FeedReader, request: FeedRequest, first: FeedPage, seconds: float
) -> AsyncGenerator[bytes, None]:
    """Yields Server-Sent Events as Durable Streams has them, for about ``seconds``.

    ``data``: a JSON array of items. ``control``: after it, the offset to go on from; with ``upToDate`` if nothing is
    left. ``quiet``: the same, where nothing came. Each carries the offset as its ``id``, so that a client that
    reconnects with ``Last-Event-ID`` goes on there.
    """
    cursor, page, sent, caught_up = request.cursor, first, 0.0, False
    yield b"retry: 1000\n\n"
    async for found in reader.follow(request, first, seconds * (1 - SPREAD * random.random())):
        page = found or page
        quiet = found is None or (caught_up and page.complete and not page.events)
        if quiet and monotonic() - sent < QUIET - 1:
            continue  # a page of which a filter has left nothing
        cursor, sent, caught_up = next_cursor(cursor), monotonic(), page.complete
        if not quiet and page.events:
            yield _event("data", page.offset, b"[" + b",".join(page.events) + b"]")
        control: dict[str, str | bool] = {"streamNextOffset": page.offset, "streamCursor": cursor}
        if page.complete:
            control |= {"upToDate": True}
        yield _event("quiet" if quiet else "control", page.offset, orjson.dumps(control))


async def lines(
    reader: FeedReader, request: FeedRequest, first: FeedPage, *, live: bool
) -> AsyncGenerator[bytes, None]:
    """Yields items, one on a line, to the end of the feed; then, if ``live``, those to come, without an end.

    Once the end is reached, a line has the type ``feed-caught-up``; while nothing comes, lines have ``feed-quiet``.
    Both have the offset to go on from as their ``id``.
    """
    page, caught_up, sent = first, False, 0.0
    async for found in reader.follow(request, first, None):
        page = found or page
        if found is not None and page.events:
            yield b"\n".join(page.events) + b"\n"
            sent = monotonic()
        if page.complete and not caught_up:
            caught_up, sent = True, monotonic()
            yield _line("feed-caught-up", request, page)
            if not live:
                return
        elif monotonic() - sent >= QUIET - 1:
            sent = monotonic()
            yield _line("feed-quiet", request, page)


def _event(name: str, offset: str, data: bytes) -> bytes:
    return b"event: %s\nid: %s\ndata: %s\n\n" % (name.encode(), offset.encode(), data)


def _line(type: str, request: FeedRequest, page: FeedPage) -> bytes:
    found = {
        "specversion": "1.0",
        "id": page.offset,
        "source": "/tether",
        "type": type,
        "token": token(request.tenant, max(page.next.revision - 1, 0)),
    }
    return orjson.dumps(found) + b"\n"
