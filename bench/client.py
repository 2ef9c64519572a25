"""The client, a process of its own: an order a line on stdin, what became of it a line on stdout.

Requests are made before the clock starts, so that the client takes as little as possible of what it measures.
"""

import asyncio
import gc
import sys
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from bench import wire
from bench.errors import Spoilt
from bench.facts import RECIPES, Event
from bench.wire import Sent

ROOT = Path(__file__).resolve().parent.parent
BATCH, ONE = "application/cloudevents-batch+json", "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Order:
    """Facts by a recipe, ``batch`` to a request (1: each as an object of its own). ``url``: of the endpoint."""

    url: str
    key: str
    recipe: str
    count: int
    start: int = 0
    batch: int = 500
    connections: int = 4

    def requests(self) -> list[bytes]:
        """As they go over the wire."""
        events = RECIPES[self.recipe](self.start, self.count)
        if self.batch == 1:
            return [self._request(ONE, event) for event in events]
        return [self._request(BATCH, batch) for batch in iter(lambda: list(islice(events, self.batch)), [])]

    def _request(self, media_type: str, content: Event | list[Event]) -> bytes:
        return wire.request(self.url, self.key, media_type, orjson.dumps(content))


class Client:
    """The process, for as long as the block lasts."""

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        # A session of its own: Ctrl-C is for us, and it ends with its stdin.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.client", stdin=pipe, stdout=pipe, cwd=ROOT, start_new_session=True
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def send(self, order: Order) -> Sent:
        """Raises Spoilt unless every fact was taken."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps(order) + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise Spoilt(f"the client died over {order}")
        sent = Sent(**orjson.loads(line))
        if sent.failures:
            raise Spoilt(f"{sent.failures} requests of {order} failed, the first with {sent.failure}")
        return sent


def main() -> None:
    """Until stdin ends."""
    for line in sys.stdin.buffer:
        order = Order(**orjson.loads(line))
        requests = order.requests()
        gc.collect()
        gc.disable()
        sent = asyncio.run(wire.send(order.url, requests, order.connections))
        gc.enable()
        sys.stdout.buffer.write(orjson.dumps(asdict(sent)) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
