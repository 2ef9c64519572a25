"""Finding and ending what a stack that was killed may have left. Reads /proc; without it, finds nothing."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

MARK = "TETHER_STACK"
"""Environment variable that every process of a stack carries; its value is the data directory."""

PROC = Path("/proc")


def marked(directory: Path) -> set[int]:
    """The processes that belong to the stack on this data directory, ourselves aside."""
    entry = f"{MARK}={directory}".encode()
    found = set()
    for pid in _pids():
        try:
            if entry in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                found.add(pid)
        except OSError:  # ended meanwhile, or not ours to look at
            continue
    return found - {os.getpid()}


def serving(cluster: Path) -> set[int]:
    """PostgreSQL's processes on this cluster. All of them work inside it, also those whose parent died."""
    found = set()
    for pid in _pids():
        try:
            where = (PROC / str(pid) / "cwd").readlink()
            if where == cluster and (PROC / str(pid) / "comm").read_text().strip() == "postgres":
                found.add(pid)
        except OSError:
            continue
    return found


async def end(find: Callable[[], set[int]], steps: Iterable[tuple[signal.Signals | None, float]]) -> set[int]:
    """Per step: send the signal (None: merely wait), then wait up to so many seconds. Returns who remains."""
    for number, seconds in steps:
        if number is not None:
            send(find(), number)
        deadline = asyncio.get_running_loop().time() + seconds
        while find():
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.02)
        else:
            return set()
    return find()


async def end_cluster(cluster: Path) -> set[int]:
    """No PostgreSQL runs on the cluster any more, but for those returned.

    A parent that was killed left a postmaster that is shutting down, and is given a while. A postmaster that
    was killed left backends that would end with their current statement, which was in vain already.
    """
    if _postmaster(cluster) in serving(cluster):
        await end(lambda: serving(cluster), ((None, 10.0), (signal.SIGQUIT, 5.0)))
    return await end(lambda: serving(cluster), ((signal.SIGKILL, 5.0),))


async def end_stack(directory: Path, cluster: Path) -> set[int]:
    """Nothing of the stack on `directory` runs any more. Returns what had still been there."""
    found = marked(directory) | serving(cluster)
    steps = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
    await end(lambda: marked(directory) - serving(cluster), steps)
    await end_cluster(cluster)
    return found


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """The signal to each that still exists."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _postmaster(cluster: Path) -> int:
    try:
        return int((cluster / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError):  # stopped, or just about to say who it is
        return 0


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()] if PROC.is_dir() else []
