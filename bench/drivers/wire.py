"""A minimal HTTP client: one request at a time over a connection that is kept open.

It is minimal because client and server share the processor cores.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import orjson


class Wire(asyncio.Protocol):
    """A connection. It understands only responses with a Content-Length, which are all that the servers send."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)  # transports of uvloop are no subclass

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank or self._answer is None:
            return
        status, *headers = head.split(b"\r\n")
        length = next(int(h.split(b":")[1]) for h in headers if h.lower().startswith(b"content-length:"))
        if len(body) >= length:
            self._received = b""
            self._answer.set_result((int(status.split(b" ")[1]), body))

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Sends a request; returns status and body of the response. Raises OSError if the connection ends."""
        assert self._transport is not None
        if self._transport.is_closing():  # servers close connections that are idle for some seconds
            raise ConnectionResetError("the server has closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Closes the connection."""
        if self._transport is not None:
            self._transport.close()


async def connect(url: str) -> Wire:
    """Opens a connection to the server of this URL."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    _, wire = await asyncio.get_running_loop().create_connection(Wire, address.hostname, address.port)
    return wire


def request(url: str, key: str, media_type: str, body: bytes) -> bytes:
    """Builds a POST request. ``key``: an API key."""
    address = urlsplit(url)
    head = (
        f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(url: str, path: str, key: str, method: str = "GET") -> bytes:
    """Builds a request without a body. ``path``: with its query. ``key``: an API key."""
    return f"{method} {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


@dataclass(slots=True)
class SendResult:
    """Counts and times of some requests. ``began``: on the monotonic clock; ``seconds``: until the last response."""

    began: float
    seconds: float = 0.0
    accepted: int = 0
    duplicates: int = 0
    failures: int = 0
    failure: str = ""
    """The first unexpected response."""
    took: list[float] = field(default_factory=list)
    """With a pace: milliseconds of each request from its due time, so that waiting in a queue counts."""


async def send(url: str, requests: Sequence[bytes], connections: int, pace: float = 0.0) -> SendResult:
    """Sends all requests over ``connections`` connections, which are opened before the clock starts.

    ``pace``: requests a second, each of which has a due time; 0: each is sent as soon as a connection is free.
    """
    wires = [await connect(url) for _ in range(connections)]
    waiting = deque(requests)
    sent = SendResult(time.monotonic())

    async def work(wire: Wire) -> None:
        while waiting:
            request, due = waiting.popleft(), sent.began
            if pace:
                due += (len(requests) - len(waiting) - 1) / pace
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            status, body = await wire.exchange(request)
            if pace:
                sent.took.append((time.monotonic() - due) * 1_000)
            count(sent, status, body)

    try:
        await asyncio.gather(*(work(wire) for wire in wires))
        sent.seconds = time.monotonic() - sent.began
    finally:
        for wire in wires:
            wire.close()
    return sent


def count(sent: SendResult, status: int, body: bytes) -> None:
    """Adds a response to the counts."""
    answer = orjson.loads(body) if status == 202 and body else {}
    sent.accepted += answer.get("accepted", 0)
    sent.duplicates += answer.get("duplicates", 0)
    if status != 202 or answer.get("quarantined") or answer.get("rejected"):
        sent.failures += 1
        sent.failure = sent.failure or f"{status}: {body[:300].decode(errors='replace')}"
