"""The owner of channels as a double."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx2
import orjson


class Asked(NamedTuple):
    """One request that the owner of channels got."""

    key: str
    correlation: str
    causation: str | None
    name: str


class Channels:
    """Owns channels. Answers from ``answers`` first; then each new key makes a channel, told unless ``silent``.

    ``tell`` gets its key, the correlation id of the request, and its name.
    """

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.answers: list[httpx2.Response | Exception] = []
        self.silent = False
        self._made: set[str] = set()
        self.tell: Callable[[str, str, str], Awaitable[Any]] | None = None
        self.transport = httpx2.MockTransport(self._handle)

    def attempts(self) -> Counter[str]:
        """How often each key was used."""
        return Counter(asked.key for asked in self.requests)

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        headers = request.headers
        asked = Asked(
            headers["idempotency-key"],
            headers["correlation-id"],
            headers.get("causation-id"),
            orjson.loads(await request.aread()).get("name", ""),
        )
        if self.answers:
            self.requests.append(asked)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.requests.append(asked)
        if self.tell is not None and not self.silent and asked.key not in self._made:
            await self.tell(f"channel-of-{asked.name}", asked.correlation, asked.name)
        self._made.add(asked.key)  # not before: if Tether is away it is told with the next request, for want of a relay
        return httpx2.Response(201, json={})
