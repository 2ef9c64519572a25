"""The user as which PostgreSQL runs when it refuses to run as the present user."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.errors import DataUnusable
from devstack.identity import CHILD, able_to_run, own
from devstack.testing import temporary_postgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about being root")


@pytest.mark.skipif(os.geteuid() == 0, reason="is about not being root")
def test_ordinary_user_runs_postgres_as_itself(folder: Path) -> None:
    assert able_to_run(Path("/bin/true"), folder) == own()


@as_root
def test_root_finds_another_user_that_can_enter_the_data(folder: Path) -> None:
    who = able_to_run(Path("/bin/true"), folder)
    uid = subprocess.check_output(
        [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), "0", who.user, "/usr/bin/env", "id", "-u"], text=True
    )
    assert int(uid) != 0


@as_root
@pytest.mark.stack
async def test_without_user_namespaces_data_belongs_to_an_unprivileged_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("devstack.identity.NAMESPACES", False)
    async with temporary_postgres() as postgres:
        who = Path(f"/proc/{postgres.pid}").stat()
        assert who.st_uid == postgres.data.stat().st_uid != 0


@as_root
def test_data_that_no_user_can_enter_is_refused_with_a_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devstack.identity.NAMESPACES", False)
    folder.chmod(0o700)
    with pytest.raises(DataUnusable, match=r"set:65534:.* or set TETHER_DATA_DIR"):
        able_to_run(Path("/bin/true"), folder)
