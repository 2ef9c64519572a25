"""Tether's own parts, as ``tether up`` runs them beside PostgreSQL and Temporal."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from devstack.part import RunningProcess, StackProcess
from devstack.stack import Urls

UNBUFFERED = {"PYTHONUNBUFFERED": "1"}
"""Without it, the last output of a part that died would be missing in its log."""

READY_LINE = re.compile(r"(?<!not )\bready\b", re.IGNORECASE)
"""What a part without a port writes to its log once it is ready."""


def migration(program: Sequence[str], where: Urls, env: Mapping[str, str]) -> StackProcess:
    """``tether migrate``, which ends before the services start. It also creates the API keys of the embedded profile.

    `program`: absolute path and arguments of the command ``tether``; `env`: environment of the part.
    """
    env = {**env, **UNBUFFERED, "TETHER_KEYS_FILE": str(where.credentials)}
    return StackProcess("migrate", (*program, "migrate"), where.logs / "migrate.log", _never, env, timeout=600.0)


def services(program: Sequence[str], where: Urls, env: Mapping[str, str]) -> tuple[StackProcess, ...]:
    """API, dispatcher and worker, in the order in which they start.

    `program`: absolute path and arguments of the command ``tether``; `env`: environment of the parts.
    """

    env = {**env, **UNBUFFERED}

    def part(name: str, command: str, ready: Callable[[RunningProcess], Awaitable[bool]], at: str = "") -> StackProcess:
        return StackProcess(name, (*program, command), where.logs / f"{name}.log", ready, env, where=at)

    return (
        part("api", "serve", healthy(where.api), where.api),
        part("dispatcher", "dispatcher", says_ready),
        part("worker", "worker", says_ready),
    )


def healthy(url: str) -> Callable[[RunningProcess], Awaitable[bool]]:
    """A readiness check: ready when ``GET /healthz`` at `url` answers 200."""
    address = urlsplit(url)

    async def ready(_: RunningProcess) -> bool:
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
                try:
                    writer.write(f"GET /healthz HTTP/1.0\r\nHost: {address.netloc}\r\n\r\n".encode())
                    status = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
        return status.split(b" ")[1:2] == [b"200"]

    return ready


async def says_ready(running: RunningProcess) -> bool:
    """A readiness check: ready when the log has a line about it since the start."""
    return READY_LINE.search(running.logged()) is not None


async def _never(_: RunningProcess) -> bool:
    return False
