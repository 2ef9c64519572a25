"""An example owner in a separate process, which can be stopped and started again."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from devstack.part import RunningProcess, StackProcess
from devstack.parts import healthy


@dataclass
class DemoOwner:
    """``name``: of the owner, and of its package in ``examples``; ``port``: its port, the same after each start.

    ``folder`` holds its database, its log and the file with its API key. ``misbehaves``: it offers ``/misbehaviour``;
    the settings last until it is stopped.
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
        """Sets where it publishes its facts and with which API key; must be called before ``start``.

        ``tether``: base URL of the API; ``environ``: the process's whole environment.
        """
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
        """Starts the process and waits until it is ready. Raises PartFailed."""
        self._running = await RunningProcess.start(self._part)
        await self._running.until_ready()

    async def stop(self) -> None:
        """Stops the process, if it runs, and waits until it has ended."""
        if self._running is not None:
            await self._running.stop()
            self._running = None

    async def close(self) -> None:
        """Stops the process and closes the HTTP client."""
        await self.http.aclose()
        await self.stop()

    @property
    def _key_file(self) -> Path:
        return self.folder / f"{self.name}.key"
