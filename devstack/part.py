"""One process of the stack: its declaration, and the running process."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devstack.errors import PartFailed, how_it_ended
from devstack.identity import CHILD

LOG_LIMIT = 16 * 1024 * 1024
"""Bytes; a larger log is renamed to ``<name>.log.1`` when its part starts."""

POLL = 0.03
"""Seconds between two checks whether a part is ready."""


@dataclass(frozen=True)
class StackProcess:
    """Declaration of a process. `argv[0]` is an absolute path; `env` is the whole environment."""

    name: str
    argv: Sequence[str]
    log: Path
    ready: Callable[["RunningProcess"], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    """Its address, which is printed once it is ready."""
    prepare: Callable[[], Awaitable[None]] | None = None
    """Is awaited before every start, also before restarts."""
    stop_signals: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10.0),)
    """Signals that end it, each with the seconds to wait afterwards. SIGKILL to its group comes last."""
    death_signal: signal.Signals = signal.SIGKILL
    """The signal that it receives when its parent dies without stopping it."""
    user: str = "-"
    """The user as which it runs: argument USER of ``child.py``."""
    timeout: float = 60.0
    """Seconds until it must be ready."""
    stdin: bytes = b""
    """The content of its standard input."""


class RunningProcess:
    """A started part. It has its own session, so that Ctrl-C in the terminal reaches the supervisor only."""

    def __init__(self, part: StackProcess, process: asyncio.subprocess.Process, log_start: int) -> None:
        self.part = part
        self.pid = process.pid
        self._process = process
        self._log_start = log_start
        self._group_ended = False

    @classmethod
    async def start(cls, part: StackProcess) -> "RunningProcess":
        """Prepares and starts a part; does not wait until it is ready.

        Must be called from a thread that lives as long as the part: the kernel ends the part with that thread.
        """
        if part.prepare is not None:
            await part.prepare()
        return await cls._spawn(part)

    @classmethod
    async def _spawn(cls, part: StackProcess) -> "RunningProcess":
        part.log.parent.mkdir(parents=True, exist_ok=True)
        if part.log.exists() and part.log.stat().st_size > LOG_LIMIT:
            part.log.rename(part.log.with_name(part.log.name + ".1"))
        with part.log.open("ab") as log:
            start = log.seek(0, os.SEEK_END)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), str(int(part.death_signal)),
                part.user, *part.argv,
                stdin=asyncio.subprocess.PIPE if part.stdin else asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log, env=dict(part.env), start_new_session=True,
            )  # fmt: skip
            if process.stdin is not None:
                process.stdin.write(part.stdin)
                process.stdin.close()
            return cls(part, process, start)

    @property
    def alive(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.returncode is None

    def logged(self) -> str:
        """What it has written to its log since this start."""
        with self.part.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    async def until_ready(self) -> None:
        """Waits until it is ready. Raises PartFailed if it dies first, TimeoutError after its timeout."""
        async with asyncio.timeout(self.part.timeout):
            while not await self.part.ready(self):
                if not self.alive:
                    raise PartFailed(self.part.name, f"died ({how_it_ended(await self.wait())})", self.part.log)
                await asyncio.sleep(POLL)

    async def wait(self) -> int:
        """Waits for its end; returns the return code, which is negative for a signal."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Ends the process and its process group, and waits for the end."""
        try:
            for number, seconds in self.part.stop_signals:
                if not self.alive:
                    break
                self._signal(number)
                try:
                    async with asyncio.timeout(seconds):
                        await self.wait()
                except TimeoutError:
                    continue
        finally:
            self.kill()
        await self.wait()

    def kill(self) -> None:
        """Sends SIGKILL to its process group; only once after the process itself has ended.

        The id of a group is reserved while the group has members; later it may belong to another group.
        """
        if self._group_ended:
            return
        self._group_ended = not self.alive
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


async def run(part: StackProcess) -> None:
    """Runs a part that ends by itself. Raises PartFailed unless it ends with code 0 within its timeout."""
    running = await RunningProcess.start(part)
    try:
        async with asyncio.timeout(part.timeout):
            code = await running.wait()
    except TimeoutError as error:
        raise PartFailed(part.name, f"did not end within {part.timeout:.0f} s", part.log) from error
    finally:
        await running.stop()
    if code != 0:
        raise PartFailed(part.name, f"failed ({how_it_ended(code)})", part.log)
