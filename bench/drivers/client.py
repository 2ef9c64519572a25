"""The client that publishes facts, a process of its own.

Requests are made before the clock starts, so that the client takes as little as possible of what it measures.
"""

import asyncio
import gc
import sys
from dataclasses import asdict, dataclass
from itertools import islice

import orjson

from bench.drivers import wire
from bench.drivers.facts import RECIPES, Event
from bench.drivers.line_process import LineProcess
from bench.drivers.wire import Sent
from bench.errors import Spoilt

BATCH, ONE = "application/cloudevents-batch+json", "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Order:
    """Facts by a recipe, ``batch`` to a request (1: each as an object of its own). ``url``: of the endpoint.

    ``pace``: requests a second; 0: as many as are taken.
    """

    url: str
    key: str
    recipe: str
    count: int
    start: int = 0
    batch: int = 500
    connections: int = 4
    pace: float = 0.0

    def requests(self) -> list[bytes]:
        """As they go over the wire."""
        events = RECIPES[self.recipe](self.start, self.count)
        if self.batch == 1:
            return [self._request(ONE, event) for event in events]
        return [self._request(BATCH, batch) for batch in iter(lambda: list(islice(events, self.batch)), [])]

    def _request(self, media_type: str, content: Event | list[Event]) -> bytes:
        return wire.request(self.url, self.key, media_type, orjson.dumps(content))


class LoadClient(LineProcess):
    """The process, for as long as the block lasts."""

    def __init__(self) -> None:
        super().__init__("bench.drivers.client")

    async def send(self, order: Order) -> Sent:
        """Raises Spoilt unless every fact was taken."""
        sent = Sent(**await self.ask(order))
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
        sent = asyncio.run(wire.send(order.url, requests, order.connections, order.pace))
        gc.enable()
        sys.stdout.buffer.write(orjson.dumps(asdict(sent)) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
