"""Offsets at which consumers start, and up to which they acknowledge."""

from typing import NamedTuple

from errors import BadToken, NotYet
from store.db import epochs
from store.db.pool import Connection
from store.db.snapshot import begin
from store.read import feed_offsets
from store.read.feed_offsets import FeedPosition

BEGINNING, NOW = "-1", "now"
"""Words for the offset before the first change, and for the one after the newest."""
_LAST = 2**62


class Offset(NamedTuple):
    """A position in the feed. ``revision``: the first one that is not read as a whole before it; ``text``: the offset
    as the feed issues it. Texts sort like the items of the feed."""

    revision: int
    text: str


def read(tenant: str, text: str) -> Offset:
    """Reads an offset that the feed has issued, or a token: after its revision. Raises BadToken."""
    return _offset(tenant, feed_offsets.decode(tenant, text))


async def start(conn: Connection, tenant: str, requested: str) -> Offset:
    """Returns the offset that a caller requests to start at: ``-1``, ``now``, or one of the feed.

    Raises BadToken; Expired for what cannot be followed from there any more; NotYet for what is after the newest
    revision.
    """
    at = await begin(conn, tenant)
    if requested == NOW:
        return _offset(tenant, FeedPosition(at.head + 1))
    position = feed_offsets.BEGINNING if requested == BEGINNING else feed_offsets.decode(tenant, requested)
    if position == feed_offsets.BEGINNING:
        position = FeedPosition(await epochs.beginning(at))
    offset = _offset(tenant, position)
    at.check_feed(offset.revision)
    if offset.revision > at.head + 1:
        raise NotYet(f"the offset {requested} is after the newest revision; start at one that the feed has given")
    return offset


def _offset(tenant: str, position: FeedPosition) -> Offset:
    if position.revision > _LAST:
        raise BadToken("the offset names a revision that no tenant reaches; use one from an answer")
    return Offset(position.revision, feed_offsets.encode(tenant, position))
