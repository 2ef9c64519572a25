"""Pages of the feed as HTTP answers: the read side of Durable Streams, and HTTP Feeds.

Sources: the Durable Streams Protocol 1.0, sections 5.5 to 5.7, 8 and 10; http-feeds.org.
"""

import random
import time
from hashlib import blake2b

from fastapi import Response

from api.http.feed_reader import FeedPage
from api.http.feed_request import FeedRequest

FULL = "private, max-age=60, stale-while-revalidate=300"
"""Of a page after which more follows: its items never change."""
TAIL = "private, no-cache"
"""Of any other page: it grows, so caches must ask again, with its ETag."""
NEVER = "no-store"

INTERVAL, INTERVALS_BEGIN = 20, 1728432000
"""Seconds of an interval of `Stream-Cursor`, and when the first one began: 2024-10-09, in seconds since 1970."""
JITTER = 180
"""Intervals by which a cursor is advanced at most if the client's is as new: an hour."""


def page_answer(request: FeedRequest, page: FeedPage) -> Response:
    """Returns a page as a JSON array; 304 if the client has the same one."""
    body = b"[" + b",".join(page.events) + b"]"
    headers = stream_headers(request, page)
    moving = request.moving or request.position is None
    headers["Cache-Control"] = NEVER if moving else TAIL if page.complete else FULL
    if not moving:
        seen = blake2b(body, digest_size=16)
        seen.update(f"{page.offset} {page.complete}".encode())  # caches keep the header fields that a 304 leaves out
        headers["ETag"] = tag = f'"{seen.hexdigest()}"'
        if request.live is None and _matches(request.if_none_match, tag):
            return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=request.form)


def timed_out(request: FeedRequest, page: FeedPage) -> Response:
    """Returns the answer to a long poll in whose time no item came."""
    return Response(status_code=204, headers={**stream_headers(request, page), "Cache-Control": NEVER})


def head_answer(request: FeedRequest, tail: FeedPage) -> Response:
    """Returns the header fields that say where the feed ends."""
    return Response(
        headers={**stream_headers(request, tail), "Cache-Control": NEVER},
        media_type=request.form,
    )


def stream_headers(request: FeedRequest, page: FeedPage) -> dict[str, str]:
    """Returns the header fields that all answers have."""
    headers = {
        "Stream-Next-Offset": page.offset,
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept, Authorization, Last-Event-ID",
    }
    if page.complete:
        headers["Stream-Up-To-Date"] = "true"
    if request.live is not None:
        headers["Stream-Cursor"] = next_cursor(request.cursor)
    return headers


def next_cursor(given: str) -> str:
    """Returns the number of the present interval; a later one if the client has that already, so that no cache answers
    it with the same page again and again."""
    now = int((time.time() - INTERVALS_BEGIN) // INTERVAL)
    had = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else -1
    return str(now if had < now else had + random.randint(1, JITTER))


def _matches(given: str, tag: str) -> bool:
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in given.split(","))
