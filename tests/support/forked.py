"""Processes that tests kill. They are forked from one that has imported what they run: imports take most of a start."""

import asyncio
from collections.abc import Callable, Coroutine
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

Main = Callable[..., Coroutine[Any, Any, None]]

_forking = get_context("forkserver")
_forking.set_forkserver_preload(
    [f"tests.support.{name}" for name in ("copying_process", "killed_delivery", "killed_eraser", "killed_scenario")]
)


def start(main: Main, *arguments: object) -> ForkServerProcess:
    """Starts a process that runs ``main``, a function of a module, with these arguments. It ends with this one."""
    process = _forking.Process(target=_run, args=(main, arguments), daemon=True)
    process.start()
    return process


def pipe() -> tuple[Connection, Connection]:
    """Returns the ends to receive and to send at; the latter can be an argument of a started process."""
    return _forking.Pipe(duplex=False)


async def exit_code(process: ForkServerProcess, seconds: float = 60) -> int:
    """Waits for the end of a process; returns its exit code. Kills it if it has not ended by then."""
    try:
        await asyncio.to_thread(process.join, seconds)
        assert process.exitcode is not None, f"has not ended after {seconds:g} s"
    finally:
        process.kill()
    return process.exitcode


def _run(main: Main, arguments: tuple[object, ...]) -> None:
    asyncio.run(main(*arguments))
