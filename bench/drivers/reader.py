"""Readers of links, in a process of their own: several at once, each reads page after page without a pause."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import quote

import orjson

from bench.drivers import wire
from bench.drivers.line_process import LineProcess, answer_orders, collecting_no_garbage
from bench.drivers.wire import Wire
from bench.errors import InvalidMeasurement


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """Read all children of a parent, in pages of ``limit``, repeatedly for some seconds. ``url``: of Tether."""

    url: str
    key: str
    relationship: str
    parent: str
    seconds: float
    limit: int = 100
    readers: int = 4


@dataclass(slots=True)
class ReadResult:
    """``links``: read in all; ``took``: milliseconds of each page; ``failure``: the first unexpected response."""

    seconds: float
    links: int = 0
    took: list[float] = field(default_factory=list)
    failure: str = ""


class LinkReader(LineProcess):
    """Runs the process of the readers within the block."""

    def __init__(self) -> None:
        super().__init__("bench.drivers.reader")

    async def read(self, order: ReadOrder) -> ReadResult:
        """Reads pages; returns counts and times. Raises InvalidMeasurement unless every page was answered."""
        read = ReadResult(**await self.request(order))
        if read.failure or not read.links:
            raise InvalidMeasurement(f"{order} failed: {read.failure or 'no links'}")
        return read


async def read_all(order: ReadOrder) -> ReadResult:
    """Runs all readers of an order, each from the first page on."""
    wires = [await wire.connect(order.url) for _ in range(order.readers)]
    read = ReadResult(order.seconds)
    until = time.monotonic() + order.seconds
    try:
        await asyncio.gather(*(_pages(at, order, until, read) for at in wires))
    finally:
        for at in wires:
            at.close()
    return read


async def _pages(at: Wire, order: ReadOrder, until: float, read: ReadResult) -> None:
    base = f"/v1/relationships/{order.relationship}/links?parent={quote(order.parent)}&limit={order.limit}"
    cursor: str | None = None
    while (began := time.monotonic()) < until and not read.failure:
        path = base if cursor is None else f"{base}&cursor={quote(cursor)}"
        status, body = await at.exchange(wire.get(order.url, path, order.key))
        read.took.append((time.monotonic() - began) * 1_000)
        if status != 200:
            read.failure = f"{status}: {body[:300].decode(errors='replace')}"
            return
        page = orjson.loads(body)
        read.links += len(page["items"])
        cursor = page["next"]


def carry_out(order: ReadOrder) -> ReadResult:
    """Carries out one order."""
    with collecting_no_garbage():
        return asyncio.run(read_all(order))


if __name__ == "__main__":
    answer_orders(ReadOrder, carry_out)
