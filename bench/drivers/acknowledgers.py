"""Consumers that acknowledge, in a process of their own: each over a connection of its own, one request at a time."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from bench.drivers import wire
from bench.drivers.line_process import LineProcess, answer_orders, collecting_no_garbage
from bench.drivers.wire import Wire
from bench.errors import InvalidMeasurement

UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class AcknowledgeOrder:
    """Each consumer acknowledges each offset, in order. ``url``: of Tether. ``held``: name and generation of each.

    ``pause``: seconds between two requests of a consumer; 0: each is sent as soon as the one before is answered.
    """

    url: str
    key: str
    held: Sequence[tuple[str, int]]
    offsets: Sequence[str]
    pause: float = 0.0


@dataclass(slots=True)
class AcknowledgeResult:
    """``failure``: the first unexpected response. ``again``: requests that were repeated, since the answer was 503."""

    seconds: float
    acknowledged: int = 0
    again: int = 0
    failure: str = ""


class Acknowledgers(LineProcess):
    """Runs the process of the consumers within the block."""

    def __init__(self) -> None:
        super().__init__("bench.drivers.acknowledgers")

    async def acknowledge(self, order: AcknowledgeOrder) -> AcknowledgeResult:
        """Acknowledges. Raises InvalidMeasurement unless every request was answered with 200."""
        done = AcknowledgeResult(**await self.request(order))
        if done.failure or done.acknowledged != len(order.held) * len(order.offsets):
            raise InvalidMeasurement(f"{done.acknowledged} acknowledgements: {done.failure}")
        return done


async def acknowledge_all(order: AcknowledgeOrder) -> AcknowledgeResult:
    """Runs all consumers of an order at the same time."""
    wires = [await wire.connect(order.url) for _ in order.held]
    done, began = AcknowledgeResult(0.0), time.perf_counter()
    try:
        await asyncio.gather(*(_consume(at, order, *one, done) for at, one in zip(wires, order.held, strict=True)))
        done.seconds = time.perf_counter() - began
    finally:
        for at in wires:
            at.close()
    return done


async def _consume(at: Wire, order: AcknowledgeOrder, name: str, generation: int, done: AcknowledgeResult) -> None:
    url = f"{order.url}/v1/consumers/{name}/acknowledgements"
    for offset in order.offsets:
        body = orjson.dumps({"offset": offset, "generation": generation})
        request = wire.request(url, order.key, "application/json", body)
        status, answer = await at.exchange(request)
        while status == UNAVAILABLE:
            done.again += 1
            status, answer = await at.exchange(request)
        if status != 200:
            done.failure = f"{status}: {answer[:300].decode(errors='replace')}"
            return
        done.acknowledged += 1
        if order.pause:
            await asyncio.sleep(order.pause)


def carry_out(order: AcknowledgeOrder) -> AcknowledgeResult:
    """Carries out one order."""
    with collecting_no_garbage():
        return asyncio.run(acknowledge_all(order))


if __name__ == "__main__":
    answer_orders(AcknowledgeOrder, carry_out)
