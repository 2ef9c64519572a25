"""A minimal receiver of webhooks: it accepts every message, counts its events and keeps its bodies in memory.

Run as ``python -m bench.drivers.receiver PORT``. ``GET /bodies/N`` answers once there are N events, with the bodies,
one a line, and forgets them. Little code, so that the deliveries are measured and not the receiver.
"""

import asyncio
import sys
from typing import cast

import uvloop

from devstack.ports import LOOPBACK

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class ReceivedMessages:
    """What has arrived, on all connections. ``wanted``: the number of events that is waited for, and by whom."""

    def __init__(self) -> None:
        self.wanted: tuple[int, asyncio.Transport] | None = None
        self._bodies: list[bytes] = []
        self._events = 0

    def add(self, body: bytes) -> None:
        """Counts a message."""
        self._bodies.append(body)
        self._events += body.count(b'"specversion"')
        self.check()

    def check(self) -> None:
        """Answers the one that waits, if everything has arrived."""
        if self.wanted is not None and self._events >= self.wanted[0]:
            body = b"\n".join(self._bodies)
            self.wanted[1].write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            self.wanted, self._events = None, 0
            self._bodies.clear()


class ReceiverConnection(asyncio.Protocol):
    """The server side of a connection."""

    def __init__(self, messages: ReceivedMessages) -> None:
        self._messages = messages
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)  # transports of uvloop are no subclass

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
            if len(self._received) < end + 4 + length:
                return
            body = bytes(self._received[end + 4 : end + 4 + length])
            del self._received[: end + 4 + length]
            self._handle(head, body)

    def _handle(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"POST "):
            self._transport.write(_OK)
            self._messages.add(body)
        else:
            self._messages.wanted = int(head.split(b" ")[1].rpartition(b"/")[2]), self._transport
            self._messages.check()


async def main() -> None:
    """Serves until the process is ended."""
    messages = ReceivedMessages()
    await asyncio.get_running_loop().create_server(lambda: ReceiverConnection(messages), LOOPBACK, int(sys.argv[1]))
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
