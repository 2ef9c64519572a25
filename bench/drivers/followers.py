"""Followers of the feed by Server-Sent Events, in a process of their own: they count items, and decode nothing."""

import asyncio
import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.drivers.line_process import LineProcess, answer_orders
from bench.errors import InvalidMeasurement

ITEM = b'"specversion"'
"""Occurs once in each item."""
PIECE = 1 << 18
_OFFSET = re.compile(rb"\nid: (\S+)\n")


@dataclass(frozen=True, slots=True)
class FollowOrder:
    """Follow the feed with so many connections, each until it has ``items``, or for ``seconds``.

    ``query``: parameters of the feed. ``items``: 0: whatever comes in the time.
    """

    url: str
    key: str
    query: str
    followers: int
    offset: str = "-1"
    items: int = 0
    seconds: float = 600.0


@dataclass(slots=True)
class FollowResult:
    """``items``: of all followers together. ``seconds``: until the last one had its own."""

    items: int
    seconds: float


class Followers(LineProcess):
    """Runs the process of the followers within the block."""

    def __init__(self) -> None:
        super().__init__("bench.drivers.followers")

    async def follow(self, order: FollowOrder) -> FollowResult:
        """Follows. Raises InvalidMeasurement unless every follower gets as many items as were ordered."""
        followed = FollowResult(**await self.request(order))
        if order.items and followed.items < order.items * order.followers:
            raise InvalidMeasurement(f"{order} gave {followed.items} items")
        return followed


async def follow_all(order: FollowOrder) -> FollowResult:
    """Carries out an order."""
    began = time.perf_counter()
    counts = await asyncio.gather(*(_follow(order) for _ in range(order.followers)))
    return FollowResult(sum(counts), time.perf_counter() - began)


async def _follow(order: FollowOrder) -> int:
    """Returns how many items one follower got."""
    address = urlsplit(order.url)
    count, offset = 0, order.offset
    try:
        async with asyncio.timeout(order.seconds):
            while not order.items or count < order.items:
                reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=PIECE)
                writer.write(
                    f"GET /v1/feed?{order.query}&live=sse&offset={offset} HTTP/1.1\r\nHost: {address.netloc}\r\n"
                    f"Authorization: Bearer {order.key}\r\nConnection: close\r\n\r\n".encode()
                )
                tail = b""
                while piece := await reader.read(PIECE):
                    count += (tail + piece).count(ITEM) - tail.count(ITEM)
                    tail = (tail + piece)[-400:]
                    if found := _OFFSET.findall(tail):
                        offset = found[-1].decode()
                    if order.items and count >= order.items:
                        break
                writer.close()
    except TimeoutError:
        pass
    return count


def carry_out(order: FollowOrder) -> FollowResult:
    """Carries out one order."""
    return asyncio.run(follow_all(order))


if __name__ == "__main__":
    answer_orders(FollowOrder, carry_out)
