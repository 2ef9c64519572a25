"""One stack per data directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.errors import DataUnusable, DirectoryLocked


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Locks the directory, which is created if missing; the kernel releases the lock when this process ends.

    The lock file is kept: if it was removed, two processes could lock two files of the same name. Raises
    DirectoryLocked, with the pid of the holder, and DataUnusable if the directory is not writable.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataUnusable(
            f"data directory {directory} cannot be written to: {error.strerror}; "
            "set TETHER_DATA_DIR to a directory that you own"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
            raise DirectoryLocked(directory, holder) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
