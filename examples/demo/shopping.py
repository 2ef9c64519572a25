"""Shopping in a separate process, with a database of its own; it can be killed and started again."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from devstack.part import RunningProcess, StackProcess
from devstack.parts import healthy

DATABASE = "shopping"


@dataclass
class DemoShopping:
    """``port``: its port, the same after each start; ``folder`` holds its log."""

    port: int
    folder: Path
    _running: RunningProcess | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx2.AsyncClient(base_url=self.url, timeout=30.0, trust_env=False)

    async def introduce(self, tether: str, server: str, key: str, environ: Mapping[str, str]) -> None:
        """Creates its database, and sets what it is started with; must be called before ``start``.

        ``tether``: base URL of the API; ``server``: URL of any database of the server; ``key``: its API key;
        ``environ``: the process's whole environment.
        """
        conn = await asyncpg.connect(server)
        try:
            await conn.execute(f"create database {DATABASE}")
        finally:
            await conn.close()
        database = f"{server.rpartition('/')[0]}/{DATABASE}"
        key_file = self.folder / "shopping.key"
        key_file.touch(mode=0o600)
        key_file.write_text(key)
        arguments = ("--port", str(self.port), "--database", database, "--tether", tether, "--key-file", str(key_file))
        self._part = StackProcess(
            "shopping",
            (sys.executable, "-m", "examples.shopping", *arguments),
            self.folder / "logs" / "shopping.log",
            healthy(self.url),
            environ,
            where=self.url,
        )

    async def start(self) -> None:
        """Starts the process and waits until it is ready. Raises PartFailed."""
        self._running = await RunningProcess.start(self._part)
        await self._running.until_ready()

    async def kill(self) -> None:
        """Kills it with SIGKILL, if it runs, and waits until it has ended."""
        if self._running is not None:
            self._running.kill()
            await self._running.wait()
            self._running = None

    async def close(self) -> None:
        """Kills the process and closes the HTTP client."""
        await self.http.aclose()
        await self.kill()

    async def customers(self) -> dict[str, dict[str, Any]]:
        """All customers in its table: id → fields."""
        answer = await self.http.get("/customers")
        return dict(answer.raise_for_status().json()["rows"])

    async def customer(self, key: str, freshness: str) -> dict[str, Any]:
        """What it shows of a customer, ``stale`` or ``latest``."""
        answer = await self.http.get(f"/customers/{key}", params={"freshness": freshness})
        return dict(answer.raise_for_status().json())
