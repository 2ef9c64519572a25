"""Finds and ends processes that a killed stack has left. Reads /proc; without it, finds none."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

MARK = "TETHER_STACK"
"""Environment variable of every process of a stack; its value is the data directory."""

PROC = Path("/proc")


def marked(directory: Path) -> set[int]:
    """Ids of the processes of the stack on this data directory, without this process."""
    entry = f"{MARK}={directory}".encode()
    found = set()
    for pid in _pids():
        try:
            if entry in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                found.add(pid)
        except OSError:  # it has ended meanwhile, or belongs to another user
            continue
    return found - {os.getpid()}


def serving(cluster: Path) -> set[int]:
    """Ids of the PostgreSQL processes whose working directory is this cluster, also of those whose parent died."""
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
    """Ends the processes that `find` returns, step by step; returns the ids of those that remain.

    `steps`: (signal, or None to send none; most seconds to wait afterwards).
    """
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
    """Ends all PostgreSQL processes on the cluster; returns the ids of those that remain.

    If the stack was killed, the postmaster is shutting down already, and gets 10 s. If the postmaster was killed, its
    backends are killed: what they execute can no longer be committed.
    """
    if _postmaster(cluster) in serving(cluster):
        await end(lambda: serving(cluster), ((None, 10.0), (signal.SIGQUIT, 5.0)))
    return await end(lambda: serving(cluster), ((signal.SIGKILL, 5.0),))


async def end_stack(directory: Path, cluster: Path) -> set[int]:
    """Ends all processes of the stack on `directory`; returns the ids of those that were found."""
    found = marked(directory) | serving(cluster)
    steps = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
    await end(lambda: marked(directory) - serving(cluster), steps)
    await end_cluster(cluster)
    return found


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Sends the signal to each process that still exists."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _postmaster(cluster: Path) -> int:
    try:
        return int((cluster / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError):  # stopped, or the file is not written yet
        return 0


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()] if PROC.is_dir() else []
