"""Serves the application over TCP, with connections that tests can abort."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI


class Connection:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def answer(self) -> tuple[bytes, bytes]:
        """Returns head and body of the next response."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        return head, await self._reader.readexactly(length)

    async def ended(self) -> bool:
        """Returns whether the server closes the connection."""
        with contextlib.suppress(ConnectionError):
            return await self._reader.read() == b""
        return True

    def close(self) -> None:
        """Closes the connection in the regular way."""
        self._writer.close()

    def reset(self) -> None:
        """Resets the connection, as when a process is killed."""
        link: socket.socket = self._writer.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Served:
    """A server on a port of its own."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server

    @property
    def port(self) -> int:
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    async def connect(self) -> Connection:
        return Connection(*await asyncio.open_connection("127.0.0.1", self.port))

    async def idle(self) -> None:
        """Waits until there are no requests and no connections."""
        while self._server.server_state.tasks or self._server.server_state.connections:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[Served]:
    """The started application, served by uvicorn as in production."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="critical"))
    task = asyncio.create_task(server._serve())  # `serve` would install signal handlers
    while not server.started:
        await asyncio.sleep(0.01)
    yield Served(server)
    server.should_exit = True
    await task
