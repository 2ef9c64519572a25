"""A request for the feed: which items, from which offset on, in which representation."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import urlencode

from store.read.feed_offsets import FeedPosition
from store.read.feed_query import FeedQuery

JSON, BATCH, NDJSON, SSE = (
    "application/json",
    "application/cloudevents-batch+json",
    "application/x-ndjson",
    "text/event-stream",
)
"""The representations."""

Live: TypeAlias = Literal["long-poll", "sse", "stream"]


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """``position``: None for the tail. ``moving``: the URL stands for another position each time, that of a consumer,
    so no cache may keep the answer. ``wait``: seconds that the answer may wait for an item. ``selection``: the
    parameters that choose items. ``form``: one of the representations."""

    tenant: str
    query: FeedQuery
    selection: tuple[tuple[str, str], ...]
    form: str
    position: FeedPosition | None
    moving: bool
    live: Live | None
    limit: int
    whole: bool
    """Whether the caller gave no limit."""
    wait: float
    cursor: str
    head: bool
    """Whether only the header fields are wanted."""
    if_none_match: str

    @property
    def key(self) -> tuple[Any, ...]:
        """Identifies the bytes of a page: two requests with the same key, position and limit get the same ones."""
        return self.tenant, self.selection, self.form == BATCH

    @property
    def resync(self) -> str:
        """The path of a snapshot of what these parameters choose."""
        chosen = [(name, value) for name, value in self.selection if name in ("relationship", "kind", "replica")]
        return "/v1/snapshots" + (f"?{urlencode(chosen)}" if chosen else "")
