"""A minimal owner: it deletes entities in memory, as requested, and publishes the facts in batches.

It assumes that an entity of every key exists; a second deletion of the same key, by another request, is answered with
410.
Run as ``python -m bench.drivers.owner OWNER KIND PORT [EVENTS]`` with Tether's key on stdin; without ``EVENTS``, the
URL that accepts facts, it publishes none. Little code, so that requests from Tether are measured and not the owner.
"""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import unquote, urlsplit

import orjson
import uvloop

from bench.drivers import wire
from bench.drivers.child_process import child_process, listening
from bench.drivers.client import BATCH
from bench.drivers.facts import Event, event
from bench.drivers.stack import MeasuredTether
from devstack.part import RunningProcess
from devstack.ports import LOOPBACK

AT_ONCE = 500
"""The largest number of facts in one request to Tether."""
PUBLISH_DELAY = 0.05
"""Seconds between a fact and the request that publishes it, with all facts that were added until then."""
_NO_CONTENT, _GONE, _NOT_ALLOWED = (
    f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    for status in ("204 No Content", "410 Gone", "405 Method Not Allowed")
)


class FactPublisher:
    """A queue of facts, published in order. ``events``: URL of the API for facts; empty: nothing is published."""

    def __init__(self, events: str, key: str) -> None:
        self._events = events
        self._key = key
        self._facts: deque[Event] = deque()
        self._more = asyncio.Event()

    def add(self, fact: Event) -> None:
        """Queues a fact, which is published once the batch under way is accepted."""
        if self._events:
            self._facts.append(fact)
            self._more.set()

    async def run(self) -> None:
        """Publishes facts until it is cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            connection = await wire.connect(self._events)
            await self._publish(connection)
            connection.close()

    async def _publish(self, connection: wire.Wire) -> None:
        while self._facts:
            await asyncio.sleep(PUBLISH_DELAY)
            batch = [self._facts[n] for n in range(min(AT_ONCE, len(self._facts)))]
            request = wire.request(self._events, self._key, BATCH, orjson.dumps(batch))
            status, answer = await connection.exchange(request)
            recorded = orjson.loads(answer) if status == 202 else {}
            if status != 202 or recorded["quarantined"] or recorded["rejected"]:
                print(f"Tether answered {status}: {answer[:300]!r}", flush=True)
                sys.exit(1)
            for _ in batch:
                self._facts.popleft()


class Deletions(asyncio.Protocol):
    """The server side of a connection. Accepts ``DELETE /kinds/key`` with an ``Idempotency-Key``.

    ``done``: key → Idempotency-Key of the request that deleted it, shared by all connections.
    """

    def __init__(self, owner: str, kind: str, done: dict[str, bytes], outbox: FactPublisher) -> None:
        self._owner = owner
        self._kind = kind
        self._done = done
        self._outbox = outbox
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)  # transports of uvloop are no subclass

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for head in requests:
            self._transport.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        request, *lines = head.split(b"\r\n")
        method, target, _ = request.split(b" ")
        if method != b"DELETE":
            return _NOT_ALLOWED
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        key = unquote(urlsplit(target.decode()).path.rpartition("/")[2])
        command = headers[b"idempotency-key"]
        known = self._done.setdefault(key, command)
        if known is not command:
            return _NO_CONTENT if known == command else _GONE
        fact = event(f"/{self._owner}", f"{self._kind.title()}Deleted.v1", key, {}, 2)
        for header, attribute in ((b"correlation-id", "correlationid"), (b"causation-id", "causationid")):
            if header in headers:
                fact[attribute] = headers[header].decode()
        self._outbox.add(fact)
        return _NO_CONTENT


@asynccontextmanager
async def running_owner(
    tether: MeasuredTether, owner: str, kind: str, port: int, key: str = ""
) -> AsyncIterator[RunningProcess]:
    """Runs the owner's process within the block. Without an API ``key`` of Tether it publishes nothing."""
    arguments = (owner, kind, str(port), *([tether.events] if key else []))
    async with child_process(
        tether.folder,
        "bench.drivers.owner",
        *arguments,
        ready=listening(port),
        env=tether.environment,
        stdin=f"{key}\n",
    ) as running:
        yield running


async def main() -> None:
    """Serves requests and publishes facts until the process is ended."""
    owner, kind, port, *events = sys.argv[1:]
    outbox = FactPublisher(events[0] if events else "", sys.stdin.readline().strip())
    done: dict[str, bytes] = {}
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Deletions(owner, kind, done, outbox), LOOPBACK, int(port))
    await outbox.run()


if __name__ == "__main__":
    uvloop.run(main())
