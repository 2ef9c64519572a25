"""The shell scripts: those of the tree, and those that production jobs run."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.temporal_server import SEARCH_ATTRIBUTES


def scripts(root: Path) -> list[Path]:
    return [
        *sorted((root / "deploy").glob("*.sh")),
        *sorted((root / "scripts").iterdir()),
        root / ".ci" / "run",
    ]


@pytest.fixture
def temporal() -> Iterator[str]:
    """host:port of a Temporal that may not be listening yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = subprocess.Popen(
        [program("temporal"), "server", "start-dev", "--headless", "--port", port, "--log-level", "error"],
        stdout=subprocess.DEVNULL,
    )
    yield f"127.0.0.1:{port}"
    server.terminate()
    server.wait()


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not on PATH"
    return found


def test_every_script_parses_and_is_executable(root: Path) -> None:
    for script in scripts(root):
        shell = "bash" if "bash" in script.read_text(encoding="utf-8").splitlines()[0] else "sh"
        checked = subprocess.run([shell, "-n", script], check=False, capture_output=True, text=True)
        assert (checked.returncode, checked.stderr) == (0, ""), script
        assert os.access(script, os.X_OK), script


def test_ci_runs_the_test_command_of_the_readme(root: Path) -> None:
    assert (root / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "make test"
    assert "make test" in (root / "README.md").read_text(encoding="utf-8")


@pytest.mark.stack
def test_namespace_job_is_idempotent(root: Path, temporal: str) -> None:
    environment = {"PATH": os.environ["PATH"], "TEMPORAL_ADDRESS": temporal, "TEMPORAL_NAMESPACE": "shop"}

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    for retention in ("24h", "48h"):
        environment["TEMPORAL_RETENTION"] = retention
        assert f"kept for {retention}" in run("sh", root / "deploy" / "temporal-namespace.sh")
    assert "48h0m0s" in run(program("temporal"), "operator", "namespace", "describe", "-n", "shop")
    known = run(program("temporal"), "operator", "search-attribute", "list", "-n", "shop")
    ours = re.findall(r"^\s*(Tether\w+)\s+Keyword", known, re.MULTILINE)
    assert sorted(ours) == sorted(SEARCH_ATTRIBUTES)


def test_schema_job_names_both_databases_and_stops_at_the_first_failure(root: Path, tmp_path: Path) -> None:
    tool = tmp_path / "temporal-sql-tool"
    tool.write_text('#!/bin/sh\necho "$*" >> "$CALLS"\ncase "$*" in *"$FAIL"*) exit 1 ;; esac\n', encoding="utf-8")
    tool.chmod(0o755)
    calls = tmp_path / "calls"
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), "FAIL": "visibility update",
        "SQL_HOST": "db", "SQL_USER": "temporal", "SQL_PASSWORD": "secret",
    }  # fmt: skip
    done = subprocess.run(["sh", root / "deploy" / "temporal-schema.sh"], env=environment, check=False)
    commands = [re.search(r"--db (\S+) (\S+)", call) for call in calls.read_text(encoding="utf-8").splitlines()]
    assert [match.groups() for match in commands if match] == [
        ("temporal", "setup-schema"), ("temporal", "update-schema"),
        ("temporal_visibility", "setup-schema"), ("temporal_visibility", "update-schema"),
    ]  # fmt: skip
    assert done.returncode == 1
