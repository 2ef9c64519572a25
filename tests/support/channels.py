"""A test double of the service that owns channels."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx2
import orjson


class ChannelRequest(NamedTuple):
    """A request that the owner of channels received."""

    key: str
    correlation: str
    causation: str | None
    name: str


class Channels:
    """Answers requests for channels: first with ``answers``, in their order, then with 201.

    Requests to delete a channel are accepted; ``deleted`` has its key, and no fact follows.

    The first request with an Idempotency-Key creates a channel. Unless ``silent`` is set, its fact is published:
    ``publish`` is called with the key of the channel, the correlation id of the request, and the channel's name.
    """

    def __init__(self) -> None:
        self.requests: list[ChannelRequest] = []
        self.deleted: list[str] = []
        self.answers: list[httpx2.Response | Exception] = []
        self.silent = False
        self._made: set[str] = set()
        self.publish: Callable[[str, str, str], Awaitable[Any]] | None = None
        self.transport = httpx2.MockTransport(self._handle)

    def attempts(self) -> Counter[str]:
        """Returns Idempotency-Key → number of requests with it."""
        return Counter(seen.key for seen in self.requests)

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "DELETE":
            self.deleted.append(request.url.path.rpartition("/")[2])
            return httpx2.Response(204)
        headers = request.headers
        request_seen = ChannelRequest(
            headers["idempotency-key"],
            headers["correlation-id"],
            headers.get("causation-id"),
            orjson.loads(await request.aread()).get("name", ""),
        )
        if self.answers:
            self.requests.append(request_seen)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.requests.append(request_seen)
        if self.publish is not None and not self.silent and request_seen.key not in self._made:
            await self.publish(f"channel-of-{request_seen.name}", request_seen.correlation, request_seen.name)
        self._made.add(request_seen.key)  # after publishing: if that fails, the next request tries again
        return httpx2.Response(201, json={})
