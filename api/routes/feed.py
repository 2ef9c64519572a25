"""`GET /v1/feed`: all changes since an offset, in order, without gaps or repetitions."""

from collections.abc import AsyncGenerator
from time import monotonic
from typing import Any

from fastapi import APIRouter, Request, Response

from api.http.auth import in_force
from api.http.dependencies import Injected
from api.http.feed_answers import head_answer, page_answer, stream_headers, timed_out
from api.http.feed_parameters import Feed
from api.http.feed_reader import FeedPage, FeedReader
from api.http.feed_request import BATCH, JSON, NDJSON, SSE, FeedRequest
from api.http.feed_streams import lines, server_sent
from api.http.open_answers import open_answer
from errors import Unavailable

router = APIRouter(tags=["feed"])

_EVENTS = {"schema": {"type": "array", "items": {"type": "object"}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Items in order, each a CloudEvent whose `id` is the offset after it.",
        "content": {JSON: _EVENTS, BATCH: _EVENTS, NDJSON: {}, SSE: {}},
        "headers": {"Stream-Next-Offset": {"description": "Where to go on.", "schema": {"type": "string"}}},
    },
    204: {"description": "No item came while a long poll waited."},
    304: {"description": "The client has this page."},
    410: {"description": "The offset is of a time that is not kept: begin with the snapshot at `resync`."},
}


@router.get("/feed", responses=_ANSWERS, response_class=Response, summary="Read the feed of changes")
async def changes(request: Feed, deps: Injected, http: Request) -> Response:
    """Ordered by revision; within a revision entities, then links, facts of Tether's own, merged keys, and activity.

    By default a JSON array, as the read side of Durable Streams has it; also `application/cloudevents-batch+json` (HTTP
    Feeds), `application/x-ndjson` and `text/event-stream`. When a missing parent is created, each of its links changes
    to `linked`, as an item of its own. With a filter, a page may be empty although changes follow: go on with
    `Stream-Next-Offset`. A page is limited in bytes, too, and holds fewer items where entities are large.
    """
    reader = deps.feed
    if request.head:
        return head_answer(request, await reader.tail(request))
    if request.form == BATCH:
        page = await _next_items(reader, request)
        await in_force(http)  # again: it may have waited
        return page_answer(request, page)
    first = await (reader.tail(request) if request.position is None else reader.page(request, request.position))
    if request.form == SSE:
        return _stream(http, request, first, server_sent(reader, request, first, deps.settings.limits.stream))
    if request.form == NDJSON and (request.live is not None or request.whole):
        return _stream(http, request, first, lines(reader, request, first, live=request.live is not None))
    if request.form == NDJSON:
        return Response(b"".join(e + b"\n" for e in first.events), 200, stream_headers(request, first), NDJSON)
    if request.live is None:
        return page_answer(request, first)
    page = await _until_items(reader, request, first, request.wait)
    await in_force(http)
    return page_answer(request, page) if page.events or not page.complete else timed_out(request, page)


async def _until_items(reader: FeedReader, request: FeedRequest, page: FeedPage, seconds: float) -> FeedPage:
    """Returns the first page with items, or what there is after ``seconds``."""
    end, newest = monotonic() + seconds, 0
    while not page.events and (left := end - monotonic()) > 0:
        if page.complete and not (newest := await reader.wait(request, page.next, left)):
            break
        page = await reader.next_page(request, page.next, newest)
    return page


async def _next_items(reader: FeedReader, request: FeedRequest) -> FeedPage:
    """Returns a page for a client that takes an empty one for the end of the feed: whatever a filter leaves out until
    then is read. Raises Unavailable if that takes too long."""
    page = await (reader.tail(request) if request.position is None else reader.page(request, request.position))
    end = monotonic() + SKIPPING
    while not page.events and not page.complete and monotonic() < end:
        page = await reader.page(request, page.next)
    if not page.events and not page.complete:
        raise Unavailable("the filter leaves out too many items at once; read application/json, whose offset advances")
    return await _until_items(reader, request, page, request.wait)


SKIPPING = 20.0
"""Seconds for which items that a filter leaves out are read for one answer."""


def _stream(http: Request, request: FeedRequest, first: FeedPage, content: AsyncGenerator[bytes, None]) -> Response:
    headers = {**stream_headers(request, first), "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return open_answer(http, content, headers=headers, media_type=request.form)
