"""The demo's own data directory, empty at the start of each run."""

import asyncio
import shutil
from pathlib import Path

from devstack.lock import locked
from devstack.processes import end_stack
from errors import Refused

MARK = "made-by-the-demo"
"""A file that tells this directory from one that somebody else may have filled."""

_LOCK = "lock"  # stays: someone may be holding it


def emptied(directory: Path) -> Path:
    """The directory, with nothing in it of an earlier run, and nothing of such a run still at work.

    Raises Refused if it holds what no demo has put there, StackError if another demo is running in it.
    """
    directory = directory.resolve()
    if directory.exists() and any(directory.iterdir()) and not (directory / MARK).exists():
        raise Refused(f"{directory} holds something that is not the demo's. Move it, or set TETHER_DATA_DIR.")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARK).touch()
    with locked(directory):
        asyncio.run(_end(directory))
        for entry in directory.iterdir():
            if entry.name in (MARK, _LOCK):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    return directory


async def _end(directory: Path) -> None:
    await end_stack(directory, directory / "postgres")
