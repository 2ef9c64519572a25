"""The demo's own data directory, empty at the start of each run."""

import asyncio
import shutil
from pathlib import Path

from devstack.lock import locked
from devstack.processes import end_stack
from errors import Refused

MARK = "made-by-the-demo"
"""Name of a file that marks a directory as made by the demo."""

_LOCK = "lock"  # is kept: another process may hold a lock on it


def emptied(directory: Path) -> Path:
    """Ends processes of an earlier run in the directory, and deletes its content. Returns the absolute path.

    Raises Refused if the directory has content but was not made by the demo, StackError if a demo runs in it now.
    """
    directory = directory.resolve()
    if directory.exists() and any(directory.iterdir()) and not (directory / MARK).exists():
        raise Refused(f"{directory} holds files that the demo has not made. Move them, or set TETHER_DATA_DIR.")
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
