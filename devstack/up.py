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

CLI = (sys.executable, "-P", "-m", "cli.main")  # -P: packages in the working directory are not imported

INTERRUPTED = 130
"""Exit code when a signal stopped the stack before `once_ready` has returned (128 + SIGINT, as in shells)."""

OnceReady = Callable[[Urls], Coroutine[Any, Any, None]]


async def up(
    settings: Settings,
    *,
    console: Console,
    once_ready: OnceReady | None = None,
    environ: Mapping[str, str] | None = None,
    program: Sequence[str] = CLI,
) -> int:
    """Runs the stack until Ctrl-C, or until `once_ready` returns, and then stops all its processes.

    `once_ready` is called with the addresses once all parts are ready; `environ`: environment of the parts; `program`:
    path and arguments of the command ``tether``. Must be called from the main thread, because of the signals.

    Returns the exit code. 0: stopped by Ctrl-C, or `once_ready` has returned. 1: could not start, or a part died too
    often; the reason is printed on stderr. 130: stopped by a signal while `once_ready` was running. Raises the error of
    `once_ready` after everything has stopped.
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
    """One run of the stack. Its settings are completed as parts start: with free ports, then with URLs."""

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
            self._console.print(f"ended {len(left)} processes of an earlier run", style="dim")
        stack.forget(self._settings)
        self._settings = stack.resolved(self._settings, self._inherited)
        try:
            await self._start()
            where = stack.urls(self._settings, self._inherited)
            # Lines are not wrapped, so that they can be copied.
            self._console.print(_summary(where), soft_wrap=True)
            if once_ready is None:
                self._console.print("Ctrl-C stops everything", style="dim")
                await self._supervisor.failure()
            else:
                await _first(once_ready(where), self._supervisor.failure())
        finally:
            self._interrupts.cleaning_up(self._supervisor.kill)
            with contextlib.suppress(OSError, SystemExit):  # the terminal may be closed
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

    async def _show(self, part: StackProcess, starting: Awaitable[None], status: str = "ready") -> None:
        began = asyncio.get_running_loop().time()
        with self._console.status(f"starting {part.name}"):
            await starting
        took = asyncio.get_running_loop().time() - began
        self._console.print(f"{part.name:<10} {status:<5} {took:5.1f} s  {part.where}", highlight=False)

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
    """Waits until one of them ends, cancels the others, and raises its exception, if any."""
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
