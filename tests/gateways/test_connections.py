"""Real connections: their timeout, their reuse, and that each owner has its own."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from errors import Unavailable
from gateways.owners import AT_ONCE, Owners
from tests.support.gateways import send

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"


@asynccontextmanager
async def serving(handle: Handle) -> AsyncIterator[str]:
    """Runs a server on the loopback interface; yields its URL, and cancels open requests at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handle(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def request(reader: asyncio.StreamReader) -> bytes:
    """Reads the next request: its head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return head + await reader.readexactly(int(length.split(b":")[1]))


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def trickling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def test_silent_owner_is_given_up_at_the_timeout() -> None:
    async with serving(silent) as url, Owners({"channels": url}, timeout=0.2) as owners:
        with pytest.raises(Unavailable, match=r"^CreateChannel at channels: no answer within 0\.2 s$"):
            await asyncio.wait_for(send(owners), 60)


async def test_status_counts_though_its_body_never_ends() -> None:
    async with serving(trickling) as url, Owners({"channels": url}, timeout=0.2) as owners:
        await asyncio.wait_for(send(owners), 60)


async def test_hanging_owners_do_not_slow_others_down() -> None:
    hanging = asyncio.Semaphore(0)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        hanging.release()
        await reader.read(-1)

    async def quick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request(reader):
            writer.write(CREATED)

    async with (
        serving(hang) as slow,
        serving(quick) as fast,
        Owners({"channels": slow, "groups": fast}, timeout=60) as owners,
    ):
        stuck = [asyncio.create_task(send(owners)) for _ in range(AT_ONCE)]
        for _ in stuck:
            await asyncio.wait_for(hanging.acquire(), 60)
        queued = [asyncio.create_task(send(owners, slot_timeout=math.inf)) for _ in range(AT_ONCE)]
        others = asyncio.gather(*(send(owners, "groups", slot_timeout=math.inf) for _ in range(4 * AT_ONCE)))
        await asyncio.wait_for(others, 60)
        assert not any(task.done() for task in stuck + queued)
        for task in stuck + queued:
            task.cancel()
        await asyncio.gather(*stuck, *queued, return_exceptions=True)


class Closing:
    """Answers ``answered`` requests of each connection, and closes it at the next one."""

    def __init__(self, answered: int) -> None:
        self.answered = answered
        self.connections = 0
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for _ in range(self.answered):
            self.requests.append(await request(reader))
            writer.write(CREATED)
        self.requests.append(await request(reader))


async def test_connection_is_reused() -> None:
    owner = Closing(answered=3)
    async with serving(owner) as url, Owners({"channels": url}) as owners:
        for _ in range(3):
            await send(owners)
    assert owner.connections == 1


async def test_reused_connection_that_is_closed_is_no_failure() -> None:
    owner = Closing(answered=1)
    async with serving(owner) as url, Owners({"channels": url}) as owners:
        await send(owners)
        await send(owners)
    assert owner.connections == 2
    assert len(owner.requests) == 3
    assert owner.requests[1] == owner.requests[2]
    assert b"idempotency-key: key" in owner.requests[2].lower()


async def test_new_connection_that_is_closed_is_a_failure() -> None:
    owner = Closing(answered=0)
    async with serving(owner) as url, Owners({"channels": url}) as owners:
        with pytest.raises(Unavailable, match=r"RemoteProtocolError|ReadError"):
            await send(owners)
    assert (owner.connections, len(owner.requests)) == (1, 1)


async def test_address_without_server_is_unavailable() -> None:
    async with serving(silent) as url:
        pass
    async with Owners({"channels": url}) as owners:
        with pytest.raises(Unavailable, match="CreateChannel at channels: ConnectError: "):
            await send(owners)


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, proxy = Closing(answered=1), Closing(answered=1)
    async with serving(owner) as url, serving(proxy) as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, other)
        async with Owners({"channels": url}) as owners:
            await send(owners)
    assert (owner.connections, proxy.connections) == (1, 0)
