"""The least HTTP client there is: one request at a time, kept alive. What it costs is taken from the server's cores."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import orjson


class Wire(asyncio.Protocol):
    """One connection. Understands answers with a Content-Length, which is what our servers send."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

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

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError when the connection ends."""
        assert self._transport is not None
        if self._transport.is_closing():  # servers close what is idle for some seconds
            raise ConnectionResetError("the server has closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Ends the connection."""
        if self._transport is not None:
            self._transport.close()


async def connect(url: str) -> Wire:
    """A connection to the server of this URL."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    _, wire = await asyncio.get_running_loop().create_connection(Wire, address.hostname, address.port)
    return wire


def request(url: str, key: str, media_type: str, body: bytes) -> bytes:
    """A POST, as it goes over the wire."""
    address = urlsplit(url)
    head = (
        f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(url: str, path: str, key: str, method: str = "GET") -> bytes:
    """A request without a body for a path, query included, of the server of this URL."""
    return f"{method} {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


@dataclass(slots=True)
class Sent:
    """What became of some requests. ``began``: by the machine's monotonic clock; all times in seconds."""

    began: float
    seconds: float = 0.0
    accepted: int = 0
    duplicates: int = 0
    failures: int = 0
    failure: str = ""
    """The first answer that was not as it should be."""
    took: list[float] = field(default_factory=list)
    """Milliseconds of each request that had its time, from that time on: a queue before the server counts."""


async def send(url: str, requests: Sequence[bytes], connections: int, pace: float = 0.0) -> Sent:
    """All of them, over so many connections that are open before the clock starts.

    ``pace``: requests a second, each of which has its time; 0: each as soon as a connection is free.
    """
    wires = [await connect(url) for _ in range(connections)]
    waiting = deque(requests)
    sent = Sent(time.monotonic())

    async def work(wire: Wire) -> None:
        while waiting:
            request, due = waiting.popleft(), sent.began
            if pace:
                due += (len(requests) - len(waiting) - 1) / pace
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            status, body = await wire.ask(request)
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


def count(sent: Sent, status: int, body: bytes) -> None:
    """Adds one answer."""
    answer = orjson.loads(body) if status == 202 and body else {}
    sent.accepted += answer.get("accepted", 0)
    sent.duplicates += answer.get("duplicates", 0)
    if status != 202 or answer.get("quarantined"):
        sent.failures += 1
        sent.failure = sent.failure or f"{status}: {body[:300].decode(errors='replace')}"
