"""Those who read, a process of their own: some at once, page after page, each as soon as it has the one before."""

import asyncio
import gc
import sys
import time
from dataclasses import asdict, dataclass, field
from urllib.parse import quote

import orjson

from bench.drivers import wire
from bench.drivers.line_process import LineProcess
from bench.drivers.wire import Wire
from bench.errors import Spoilt


@dataclass(frozen=True, slots=True)
class Reading:
    """All children of a parent, in pages, again and again for some seconds. ``url``: of Tether."""

    url: str
    key: str
    relationship: str
    parent: str
    seconds: float
    limit: int = 100
    readers: int = 4


@dataclass(slots=True)
class Read:
    """``took``: milliseconds of each page; ``failure``: the first answer that was not as it should be."""

    seconds: float
    links: int = 0
    took: list[float] = field(default_factory=list)
    failure: str = ""


class LinkReader(LineProcess):
    """The process, for as long as the block lasts."""

    def __init__(self) -> None:
        super().__init__("bench.drivers.reader")

    async def read(self, reading: Reading) -> Read:
        """Raises Spoilt unless every page was answered."""
        read = Read(**await self.ask(reading))
        if read.failure or not read.links:
            raise Spoilt(f"{reading} came to nothing: {read.failure or 'no links'}")
        return read


async def all_of(reading: Reading) -> Read:
    """Every reader begins at the first page."""
    wires = [await wire.connect(reading.url) for _ in range(reading.readers)]
    read = Read(reading.seconds)
    until = time.monotonic() + reading.seconds
    try:
        await asyncio.gather(*(_pages(at, reading, until, read) for at in wires))
    finally:
        for at in wires:
            at.close()
    return read


async def _pages(at: Wire, reading: Reading, until: float, read: Read) -> None:
    base = f"/v1/relationships/{reading.relationship}/links?parent={quote(reading.parent)}&limit={reading.limit}"
    cursor: str | None = None
    while (began := time.monotonic()) < until and not read.failure:
        path = base if cursor is None else f"{base}&cursor={quote(cursor)}"
        status, body = await at.ask(wire.get(reading.url, path, reading.key))
        read.took.append((time.monotonic() - began) * 1_000)
        if status != 200:
            read.failure = f"{status}: {body[:300].decode(errors='replace')}"
            return
        page = orjson.loads(body)
        read.links += len(page["items"])
        cursor = page["next"]


def main() -> None:
    """Until stdin ends."""
    for line in sys.stdin.buffer:
        reading = Reading(**orjson.loads(line))
        gc.collect()
        gc.disable()
        read = asyncio.run(all_of(reading))
        gc.enable()
        sys.stdout.buffer.write(orjson.dumps(asdict(read)) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
