"""An example owner as a process of its own, which can be stopped and started again."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from devstack.part import RunningProcess, StackProcess
from devstack.parts import healthy


@dataclass
class DemoOwner:
    """``name`` is that of its package in ``examples`` and of the owner; ``port`` is its own for good.

    ``folder`` holds its database, its log and the file with its key. ``misbehaves``: it can be told to, until it is
    stopped.
    """

    name: str
    port: int
    folder: Path
    misbehaves: bool = False
    _running: RunningProcess | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx2.AsyncClient(base_url=self.url, timeout=30.0, trust_env=False)

    def introduce(self, tether: str, key: str, environ: Mapping[str, str]) -> None:
        """Where its facts go, and with which key."""
        self._key_file.touch(mode=0o600)
        self._key_file.write_text(key)
        database, log = self.folder / f"{self.name}.db", self.folder / "logs" / f"{self.name}.log"
        arguments = ("--port", str(self.port), "--database", str(database), "--tether", tether)
        more = ("--key-file", str(self._key_file), *(("--misbehave",) if self.misbehaves else ()))
        self._part = StackProcess(
            self.name,
            (sys.executable, "-m", f"examples.{self.name}", *arguments, *more),
            log,
            healthy(self.url),
            environ,
            where=self.url,
        )

    async def start(self) -> None:
        """Ready when this returns. Raises PartFailed."""
        self._running = await RunningProcess.start(self._part)
        await self._running.until_ready()

    async def stop(self) -> None:
        """Ended when this returns."""
        if self._running is not None:
            await self._running.stop()
            self._running = None

    async def close(self) -> None:
        """Ended for good."""
        await self.http.aclose()
        await self.stop()

    @property
    def _key_file(self) -> Path:
        return self.folder / f"{self.name}.key"
