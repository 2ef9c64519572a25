"""Reads pages of the feed for requests and followers, with connections of their own, so that writers keep theirs.

Followers that have read equally far read the same bytes: the first of them reads the page, the others share it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any, NamedTuple

import orjson

from api.http.feed_request import BATCH, FeedRequest
from errors import Expired, NotYet, Unavailable
from store.db import epochs
from store.db.pool import Pool
from store.db.revision_waiter import RevisionWaiter
from store.db.snapshot import snapshot
from store.read import feed, feed_offsets
from store.read.feed_events import event
from store.read.feed_items import FeedItem
from store.read.feed_offsets import BEGINNING, FeedPosition

QUIET = 15.0
"""Seconds after which a follower is shown that the connection is alive, though nothing has changed."""
SHARED, SHARED_BYTES = 128, 32 * 1024 * 1024
"""Pages that are kept for followers to share: at most so many, and so many bytes."""
TURN = 20
"""Items that are written at a time: a millisecond for which no request is served."""
KEPT = 5.0
"""Seconds for which a page is shared after it was requested: what is erased or trimmed is soon not shown any more."""


class FeedPage(NamedTuple):
    """Items in order, each as the JSON of its event. ``offset``: that of ``next``. ``complete``: no more was there."""

    events: list[bytes]
    next: FeedPosition
    offset: str
    complete: bool


class _SharedPage(NamedTuple):
    """A page that is read, or was. ``revision``: the newest that was known before. ``until``: when it is not shared any
    more, by the monotonic clock."""

    reading: asyncio.Task[FeedPage]
    revision: int
    until: float

    def outdated(self, newest: int) -> bool:
        """Whether it says that nothing follows, and the newest revision that is known says otherwise."""
        return (
            self.reading.done()
            and not self.failed
            and (page := self.reading.result()).complete
            and (page.next.revision <= newest)
        )

    @property
    def failed(self) -> bool:
        return self.reading.done() and (self.reading.cancelled() or self.reading.exception() is not None)


class FeedReader:
    """Made once per process. ``pool``: for nothing else than the feed."""

    def __init__(self, pool: Pool, connections: int, revisions: RevisionWaiter) -> None:
        self._pool = pool
        self._connections = asyncio.Semaphore(connections)
        self._revisions = revisions
        self._pages: OrderedDict[tuple[Any, ...], _SharedPage] = OrderedDict()

    async def tail(self, request: FeedRequest) -> FeedPage:
        """Returns an empty page at the end of the feed."""
        position = FeedPosition(await self._revisions.newest(request.tenant) + 1)
        return FeedPage([], position, feed_offsets.encode(request.tenant, position), True)

    async def page(self, request: FeedRequest, position: FeedPosition) -> FeedPage:
        """Returns the page after a position.

        Raises Expired for a position whose revisions are not kept, NotYet for one that is not reached, Unavailable.
        """
        try:
            async with self._connections, snapshot(self._pool, request.tenant) as at:
                if position == BEGINNING and not request.moving:  # a consumer there was there before a restore
                    position = FeedPosition(await epochs.beginning(at))
                self._revisions.saw(request.tenant, at.head)
                if position.revision > at.head + 1:
                    raise NotYet("the offset names a revision that has not been reached")
                items, position = await feed.page(at, request.query, position, request.limit)
        except Expired as error:
            raise Expired(str(error), earliest=error.earliest, resync=request.resync) from None
        events = []
        for n, item in enumerate(items):
            events.append(_json(request, item))
            if n % TURN == TURN - 1:
                await asyncio.sleep(0)  # lets requests through between the parts of a long page
        return FeedPage(events, position, feed_offsets.encode(request.tenant, position), position.revision > at.head)

    async def next_page(self, request: FeedRequest, position: FeedPosition, revision: int) -> FeedPage:
        """Returns the page after a position, read when this revision could be, or later. Of followers that have read
        equally far, all but the first get what that one has read. Raises as `page` does."""
        key = *request.key, request.limit, position
        found = self._pages.get(key)
        known = max(revision, self._revisions.known(request.tenant))
        if (
            found is None
            or found.failed
            or found.revision < revision
            or found.until < monotonic()
            or found.outdated(known)
        ):
            found = _SharedPage(asyncio.create_task(self.page(request, position)), known, monotonic() + KEPT)
            self._pages[key] = found
            self._pages.move_to_end(key)
            found.reading.add_done_callback(self._forget)
        return await asyncio.shield(found.reading)

    async def wait(self, request: FeedRequest, position: FeedPosition, seconds: float) -> int:
        """Returns the newest revision once there may be items after a position that was complete; 0 after ``seconds``,
        or when the process is about to stop."""
        return await self._revisions.follow(request.tenant, position.revision, seconds)

    async def follow(
        self, request: FeedRequest, first: FeedPage, seconds: float | None
    ) -> AsyncIterator[FeedPage | None]:
        """Yields a page and those after it, as they come; None where nothing came for a while.

        Ends after ``seconds`` (None: never), when the process is about to stop, or if the position expires.
        """
        page, end = first, monotonic() + seconds if seconds is not None else float("inf")
        newest = self._revisions.known(request.tenant)
        yield page
        while not self._revisions.released and monotonic() < end:
            try:
                if page.complete:
                    reached = await self.wait(request, page.next, min(QUIET, end - monotonic()))
                    if not reached:
                        yield None
                        continue
                    newest = reached
                page = await self.next_page(request, page.next, newest)
            except Unavailable as error:
                await asyncio.sleep(error.retry_after)
                yield None
            except Expired:
                return  # the client connects again, and is answered 410
            else:
                yield page

    def _forget(self, _: asyncio.Task[FeedPage]) -> None:
        """Forgets the pages that were read first, so that the limits hold."""
        size = 0
        for n, (key, page) in enumerate(reversed([*self._pages.items()])):
            if page.reading.done():
                size += 0 if page.failed else sum(map(len, page.reading.result().events))
                if page.failed or n >= SHARED or size > SHARED_BYTES:
                    del self._pages[key]


def _json(request: FeedRequest, item: FeedItem) -> bytes:
    """The event of an item. In the batches of HTTP Feeds, one that deletes has no data."""
    found = event(request.tenant, item)
    if request.form == BATCH and found.get("method") == "DELETE":
        del found["data"]
    return orjson.dumps(found, option=orjson.OPT_UTC_Z)
