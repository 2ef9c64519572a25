"""The whole stack in one command: lock, PostgreSQL, Temporal, migrate, API, dispatcher, worker."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from rich.console import Console

from config import Settings
from devstack import processes, stack
from devstack.errors import StackError
from devstack.interrupts import Interrupts
from devstack.lock import locked
from devstack.part import StackProcess, run
from devstack.parts import migration, services
from devstack.postgres import Postgres
from devstack.stack import Urls
from devstack.supervisor import Supervisor
from devstack.temporal_server import TemporalServer

CLI = (sys.executable, "-P", "-m", "cli.main")  # -P: a folder of the user's called like one of ours is not imported

INTERRUPTED = 130
"""Exit code when someone stopped us before `once_ready` was through, as shells count it."""

OnceReady = Callable[[Urls], Coroutine[Any, Any, None]]


async def up(
    settings: Settings,
    *,
    console: Console,
    once_ready: OnceReady | None = None,
    environ: Mapping[str, str] | None = None,
    program: Sequence[str] = CLI,
) -> int:
    """Run the stack until Ctrl-C, or until `once_ready` returns. Nothing is left running then.

    Returns the exit code. 0: stopped as wanted. 1: could not start, or a part gave up; said on stderr.
    130: stopped from outside while `once_ready` was at work. What `once_ready` raises is raised on, after
    everything has stopped. `program`: how ``tether migrate``, ``tether serve`` and so on are called.
    Main thread only, for the signals.
    """
    errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
    directory = settings.data_dir.resolve()
    inherited = dict(os.environ if environ is None else environ) | {processes.MARK: str(directory)}
    try:
        with Interrupts() as interrupts, locked(directory):
            settings = settings.model_copy(update={"data_dir": directory})
            whole = _Up(settings, console, errors, inherited, program, interrupts)
            finished = await interrupts.unless_stopped(whole.run(once_ready))
    except StackError as error:
        errors.print(str(error), style="red")
        return 1
    return 0 if finished or once_ready is None else INTERRUPTED


class _Up:
    """`settings` become more definite as parts start: free ports, then the URLs of what runs there."""

    def __init__(
        self,
        settings: Settings,
        console: Console,
        errors: Console,
        inherited: Mapping[str, str],
        program: Sequence[str],
        interrupts: Interrupts,
    ) -> None:
        self._settings = settings
        self._console = console
        self._errors = errors
        self._inherited = inherited
        self._program = program
        self._interrupts = interrupts
        self._supervisor = Supervisor(self._report, changed=self._note)
        self._ready = False

    async def run(self, once_ready: OnceReady | None) -> None:
        left = await self._end_leftovers()
        if left:
            self._console.print(f"ended {len(left)} processes that an earlier run had left", style="dim")
        stack.forget(self._settings)
        self._settings = stack.resolved(self._settings, self._inherited)
        try:
            await self._start()
            where = stack.urls(self._settings, self._inherited)
            # Lines are never broken: they are there to be copied.
            self._console.print(_summary(where), soft_wrap=True)
            if once_ready is None:
                self._console.print("Ctrl-C stops everything", style="dim")
                await self._supervisor.failure()
            else:
                await _first(once_ready(where), self._supervisor.failure())
        finally:
            self._interrupts.cleaning_up(self._supervisor.kill)
            with contextlib.suppress(OSError, SystemExit):  # the terminal may be gone, and that is why we stop
                self._console.print("stopping", style="dim")
            await self._supervisor.stop()
            await self._end_leftovers()
            stack.forget(self._settings)

    async def _start(self) -> None:
        env = dict(self._inherited)
        if not self._settings.database_url:
            postgres = self._postgres()
            await self._show(postgres.part, self._supervisor.start(postgres.part))
            self._settings = self._settings.model_copy(update={"database_url": postgres.url})
        if stack.TEMPORAL_ELSEWHERE not in env:
            server = self._temporal()
            await self._show(server.part, self._supervisor.start(server.part))
            env = dict(server.environment)
            ui_url = self._settings.temporal_ui_url or server.ui_url
            self._settings = self._settings.model_copy(update={"temporal_ui_url": ui_url})
        env |= stack.environment(self._settings)
        where = stack.urls(self._settings, self._inherited)
        migrate = migration(self._program, where, env)
        await self._show(migrate, run(migrate), "done")
        for part in services(self._program, where, env):
            await self._show(part, self._supervisor.start(part))
        self._ready = True
        self._note(self._supervisor.pids)

    async def _show(self, part: StackProcess, starting: Awaitable[None], word: str = "ready") -> None:
        began = asyncio.get_running_loop().time()
        with self._console.status(f"starting {part.name}"):
            await starting
        took = asyncio.get_running_loop().time() - began
        self._console.print(f"{part.name:<10} {word:<5} {took:5.1f} s  {part.where}", highlight=False)

    def _postgres(self) -> Postgres:
        data = self._settings.data_dir
        log = data / "logs" / "postgres.log"
        return Postgres(data / "postgres", self._settings.postgres_port, log, env=self._inherited)

    def _temporal(self) -> TemporalServer:
        data, settings = self._settings.data_dir, self._settings
        log = data / "logs" / "temporal.log"
        ports = settings.temporal_port, settings.temporal_ui_port
        return TemporalServer(data / "temporal.db", *ports, log, env=self._inherited)

    async def _end_leftovers(self) -> set[int]:
        return await processes.end_stack(self._settings.data_dir, self._settings.data_dir / "postgres")

    def _report(self, line: str) -> None:
        self._errors.print(line, style="yellow")

    def _note(self, pids: Mapping[str, int]) -> None:
        stack.note(self._settings, self._inherited, pids, ready=self._ready)


async def _first(*work: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends; the others are cancelled, and its exception is raised on."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()


def _summary(where: Urls) -> str:
    rows = {
        "API": where.api,
        "API documentation": where.docs,
        "Temporal Web UI": where.temporal_ui or "(elsewhere)",
        "keys": where.credentials,
        "logs": where.logs,
    }
    return "\n".join(f"{name:<18} {value}" for name, value in rows.items())
