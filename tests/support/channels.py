"""The owner of channels as a double."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx2
import orjson


class ChannelRequest(NamedTuple):
    """One request that the owner of channels got."""

    key: str
    correlation: str
    causation: str | None
    name: str


class Channels:
    """Owns channels. Answers from ``answers`` first; then each new key makes a channel, published unless ``silent``.

    ``publish`` gets its key, the correlation id of the request, and its name.
    """

    def __init__(self) -> None:
        self.requests: list[ChannelRequest] = []
        self.answers: list[httpx2.Response | Exception] = []
        self.silent = False
        self._made: set[str] = set()
        self.publish: Callable[[str, str, str], Awaitable[Any]] | None = None
        self.transport = httpx2.MockTransport(self._handle)

    def attempts(self) -> Counter[str]:
        """How often each key was used."""
        return Counter(seen.key for seen in self.requests)

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
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
        self._made.add(request_seen.key)  # only now: without a relay, the next request publishes it again
        return httpx2.Response(201, json={})
