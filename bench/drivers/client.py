"""A client that publishes facts, in a process of its own.

It builds all requests before the clock starts, so that it takes little processor time during the measurement.
"""

import asyncio
from dataclasses import dataclass
from itertools import islice

import orjson

from bench.drivers import wire
from bench.drivers.facts import RECIPES, Event
from bench.drivers.line_process import LineProcess, answer_orders, collecting_no_garbage
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


def carry_out(order: PublishOrder) -> SendResult:
    """Carries out one order."""
    requests = order.requests()
    with collecting_no_garbage():
        return asyncio.run(wire.send(order.url, requests, order.connections, order.pace))


if __name__ == "__main__":
    answer_orders(PublishOrder, carry_out)
