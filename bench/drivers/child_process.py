"""Runs processes beside the stack: ready before the measurement, stopped after it, also if it fails."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from devstack.part import RunningProcess, StackProcess
from devstack.ports import answers

ROOT = Path(__file__).resolve().parents[2]


def listening(port: int) -> Callable[[RunningProcess], Awaitable[bool]]:
    """Returns a readiness check that is true once ``port`` accepts connections."""

    async def ready(_: RunningProcess) -> bool:
        return await answers(port)

    return ready


@asynccontextmanager
async def child_process(
    folder: Path,
    module: str,
    *arguments: str,
    ready: Callable[[RunningProcess], Awaitable[bool]],
    env: Mapping[str, str],
    stdin: str = "",
) -> AsyncIterator[RunningProcess]:
    """Runs ``python -m module`` within the block. Raises PartFailed if it does not get ready.

    ``folder``: of its log. ``ready``: its readiness check. ``env``: its environment. ``stdin``: what it reads there.
    """
    path = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    argv = (sys.executable, "-m", module, *arguments)
    part = StackProcess(module, argv, folder / "logs" / f"{module}.log", ready, {**env, **path}, stdin=stdin.encode())
    running = await RunningProcess.start(part)
    try:
        await running.until_ready()
        yield running
    finally:
        await running.stop()
