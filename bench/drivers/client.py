"""A client that publishes facts, in a process of its own.

It builds all requests before the clock starts, so that it takes little processor time during the measurement.
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
from bench.drivers.wire import SendResult
from bench.errors import InvalidMeasurement

BATCH, ONE = "application/cloudevents-batch+json", "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class PublishOrder:
    """Facts to publish: ``count`` by a recipe from ``start`` on, ``batch`` in each request.

    ``batch``: 1 sends each fact as a JSON object, more send arrays. ``url``: of the endpoint. ``key``: an API key.
    ``pace``: requests a second; 0: as fast as they are answered.
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
        """Returns the requests as bytes."""
        events = RECIPES[self.recipe](self.start, self.count)
        if self.batch == 1:
            return [self._request(ONE, event) for event in events]
        return [self._request(BATCH, batch) for batch in iter(lambda: list(islice(events, self.batch)), [])]

    def _request(self, media_type: str, content: Event | list[Event]) -> bytes:
        return wire.request(self.url, self.key, media_type, orjson.dumps(content))


class LoadClient(LineProcess):
    """Runs the process of the client within the block."""

    def __init__(self) -> None:
        super().__init__("bench.drivers.client")

    async def send(self, order: PublishOrder) -> SendResult:
        """Publishes facts; returns counts and times. Raises InvalidMeasurement unless every fact was accepted."""
        sent = SendResult(**await self.request(order))
        if sent.failures:
            raise InvalidMeasurement(f"{sent.failures} requests of {order} failed, the first with {sent.failure}")
        return sent


def main() -> None:
    """Carries out one order per line of stdin, until it ends."""
    for line in sys.stdin.buffer:
        order = PublishOrder(**orjson.loads(line))
        requests = order.requests()
        gc.collect()
        gc.disable()
        sent = asyncio.run(wire.send(order.url, requests, order.connections, order.pace))
        gc.enable()
        sys.stdout.buffer.write(orjson.dumps(asdict(sent)) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
