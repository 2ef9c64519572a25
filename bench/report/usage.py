"""Memory and processor time of processes, read from /proc."""

import os
from collections.abc import Mapping
from pathlib import Path

Pids = Mapping[str, int]
"""Name → process id. ``postgres`` is the postmaster and stands for all of its processes."""

_TICKS = os.sysconf("SC_CLK_TCK")


def resident(pids: Pids) -> dict[str, float]:
    """Returns megabytes of resident memory. ``postgres`` is without shared buffers, which each process would count."""
    found = {name: _megabytes(pid, "VmRSS") for name, pid in pids.items() if name != "postgres"}
    if "postgres" in pids:
        found["postgres"] = sum(_megabytes(pid, "RssAnon") for pid in (pids["postgres"], *_children(pids["postgres"])))
    return {name: round(size, 1) for name, size in found.items()}


def cpu(pids: Pids) -> dict[str, float]:
    """Returns seconds of processor time so far. Their differences hardly depend on other processes, unlike rates."""
    found = {name: _seconds(pid) for name, pid in pids.items() if name != "postgres"}
    if "postgres" in pids:
        found["postgres"] = sum(_seconds(pid) for pid in (pids["postgres"], *_children(pids["postgres"])))
    return found


def each(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """Returns the difference of two measurements divided by ``count``, in microseconds by process."""
    return {name: round((after[name] - before[name]) / count * 1e6, 1) for name in before.keys() & after.keys()}


def _children(parent: int) -> list[int]:
    return [int(at.name) for at in Path("/proc").iterdir() if at.name.isdigit() and _parent(int(at.name)) == parent]


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _seconds(pid: int) -> float:
    """Returns the processor time of a process and of its children that have ended."""
    return sum(int(ticks) for ticks in _stat(pid)[11:15]) / _TICKS


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # ended meanwhile
        return []


def _megabytes(pid: int, field: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field + ":")), 0.0)
