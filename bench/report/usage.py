"""What processes take: memory, and time of the processor. Reads /proc; without it, there is nothing to state."""

import os
from collections.abc import Mapping
from pathlib import Path

Pids = Mapping[str, int]
"""By name; ``postgres`` is the postmaster, and stands for all of its processes."""

_TICKS = os.sysconf("SC_CLK_TCK")


def resident(pids: Pids) -> dict[str, float]:
    """Megabytes. ``postgres`` without the shared buffers, which each of its processes would count."""
    found = {name: _megabytes(pid, "VmRSS") for name, pid in pids.items() if name != "postgres"}
    if "postgres" in pids:
        found["postgres"] = sum(_megabytes(pid, "RssAnon") for pid in (pids["postgres"], *_children(pids["postgres"])))
    return {name: round(size, 1) for name, size in found.items()}


def cpu(pids: Pids) -> dict[str, float]:
    """Seconds of processor time so far. Unlike rates, their differences hardly depend on who else is at work."""
    found = {name: _seconds(pid) for name, pid in pids.items() if name != "postgres"}
    if "postgres" in pids:
        found["postgres"] = sum(_seconds(pid) for pid in (pids["postgres"], *_children(pids["postgres"])))
    return found


def each(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """Microseconds of processor time for each of ``count``, by process."""
    return {name: round((after[name] - before[name]) / count * 1e6, 1) for name in before.keys() & after.keys()}


def _children(parent: int) -> list[int]:
    return [int(at.name) for at in Path("/proc").iterdir() if at.name.isdigit() and _parent(int(at.name)) == parent]


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _seconds(pid: int) -> float:
    """Its own, and that of its children that have ended."""
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
