"""One process of the stack: what it is, and the running one."""

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
"""Bytes; a longer log is put aside as ``<name>.log.1`` when its part starts."""

POLL = 0.03
"""Seconds between two looks at whether a part is ready."""


@dataclass(frozen=True)
class StackProcess:
    """What to run. `argv[0]` is an absolute path; `env` is the whole environment."""

    name: str
    argv: Sequence[str]
    log: Path
    ready: Callable[["RunningProcess"], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    """For people: its address, shown once it is ready."""
    prepare: Callable[[], Awaitable[None]] | None = None
    """Runs before every start, the ones after a death included."""
    farewell: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10.0),)
    """Signals to end it with, each with the seconds it is given. SIGKILL to its group comes last."""
    death_signal: signal.Signals = signal.SIGKILL
    """What it receives when we die without a word."""
    user: str = "-"
    """As whom, in the words of ``child.py``."""
    timeout: float = 60.0
    """Seconds until it must be ready."""
    stdin: bytes = b""
    """What it reads from its standard input."""


class RunningProcess:
    """A started part, in a session of its own: the terminal's Ctrl-C reaches us, and we end it in order."""

    def __init__(self, part: StackProcess, process: asyncio.subprocess.Process, log_start: int) -> None:
        self.part = part
        self.pid = process.pid
        self._process = process
        self._log_start = log_start
        self._group_ended = False

    @classmethod
    async def start(cls, part: StackProcess) -> "RunningProcess":
        """Prepared and started, not yet ready.

        Call it from a thread that lives as long as the part shall: the kernel ends the part with it.
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
            start = log.tell()
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
        """Whether the process has not been seen to end."""
        return self._process.returncode is None

    def logged(self) -> str:
        """What it has written since this start."""
        with self.part.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    async def until_ready(self) -> None:
        """Raises PartFailed if it dies first, and TimeoutError if its timeout runs out."""
        async with asyncio.timeout(self.part.timeout):
            while not await self.part.ready(self):
                if not self.alive:
                    raise PartFailed(self.part.name, f"died ({how_it_ended(await self.wait())})", self.part.log)
                await asyncio.sleep(POLL)

    async def wait(self) -> int:
        """Its return code; negative means a signal."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Ended when this returns, and its process group with it."""
        try:
            for number, seconds in self.part.farewell:
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
        """SIGKILL to its group, also when the first of the group is gone; but then only once.

        A group's number stays reserved while it has members. Later it may be someone else's.
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
    """Run a part that ends by itself. Raises PartFailed unless it ends well within its timeout."""
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
