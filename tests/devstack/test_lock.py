"""One stack per data directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.errors import DataUnusable, DirectoryLocked
from devstack.lock import locked


def test_second_lock_is_refused_and_names_the_holder(folder: Path) -> None:
    with (
        locked(folder / "data"),
        pytest.raises(DirectoryLocked, match=rf"{folder}/data is in use .*\(pid {os.getpid()}\)"),
        locked(folder / "data"),
    ):
        pass


def test_lock_is_released_by_a_normal_end_and_by_a_kill(folder: Path) -> None:
    with locked(folder):
        pass
    hold = f"import os; from pathlib import Path; from devstack.lock import locked\nwith locked(Path({str(folder)!r})):"
    killed = subprocess.run([sys.executable, "-c", f"{hold} os.kill(os.getpid(), 9)"], check=False)
    assert killed.returncode == -9
    with locked(folder):
        assert (folder / "lock").read_text() == f"{os.getpid()}\n"


def test_child_processes_do_not_inherit_the_lock(folder: Path) -> None:
    with locked(folder):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with locked(folder):
            pass
    finally:
        child.kill()
        child.wait()


def test_directory_that_cannot_be_created_is_named_with_the_setting(folder: Path) -> None:
    (folder / "file").touch()
    with (
        pytest.raises(DataUnusable, match=r"file/data cannot be written to: .*set TETHER_DATA_DIR"),
        locked(folder / "file" / "data"),
    ):
        pass
