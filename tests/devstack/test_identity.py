"""As whom PostgreSQL runs when it would refuse to run as us."""

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
def test_an_ordinary_user_stays_who_they_are(folder: Path) -> None:
    assert able_to_run(Path("/bin/true"), folder) == own()


@as_root
def test_root_finds_someone_else_who_reaches_the_data(folder: Path) -> None:
    who = able_to_run(Path("/bin/true"), folder)
    uid = subprocess.check_output(
        [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), "0", who.user, "/usr/bin/env", "id", "-u"], text=True
    )
    assert int(uid) != 0


@as_root
@pytest.mark.stack
async def test_without_user_namespaces_root_gives_the_data_to_an_unprivileged_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("devstack.identity.NAMESPACES", False)
    async with temporary_postgres() as postgres:
        who = Path(f"/proc/{postgres.pid}").stat()
        assert who.st_uid == postgres.data.stat().st_uid != 0


@as_root
def test_when_nobody_reaches_the_data_the_message_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devstack.identity.NAMESPACES", False)
    folder.chmod(0o700)
    with pytest.raises(DataUnusable, match=r"set:65534:.* or set TETHER_DATA_DIR"):
        able_to_run(Path("/bin/true"), folder)
