"""What tests of the command line share: a fake Tether, and ways to run `tether` against it."""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.main import main
from tests.support.fake_tether import FakeTether, ServedFake, served

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return orjson.loads(self.out)


@dataclass
class Programs:
    """Starts `tether` as a process of its own."""

    environment: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        program = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli.main", *arguments], env=self.environment, encoding="utf-8", **pipes
        )
        self.started.append(program)
        return program

    def end(self) -> None:
        for program in self.started:
            with program:
                program.kill()


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("TETHER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def fake() -> FakeTether:
    return FakeTether()


@pytest.fixture
def server(fake: FakeTether, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedFake]:
    with served(fake) as running:
        monkeypatch.setenv("TETHER_URL", running.url)
        monkeypatch.setenv("TETHER_KEY", "the-key")
        yield running


@pytest.fixture
def tether(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command in this process.

    Hears what Python writes and not the descriptors: a timer of Temporal's SDK outlives the worker that another
    test has killed in the middle of a local activity, and panics onto descriptor 2 when it rings.
    """

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        try:
            code = main(list(arguments))
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return run


@pytest.fixture
def programs(data_dir: Path) -> Iterator[Programs]:
    started = Programs({**os.environ, "PYTHONUTF8": "1"})
    yield started
    started.end()


def facts(count: int) -> list[bytes]:
    """So many different facts, a line each."""
    event = {"specversion": "1.0", "source": "/groups", "type": "GroupCreated.v1", "data": {"name": "Choir"}}
    return [orjson.dumps({**event, "id": f"e{i}", "subject": f"g{i}"}) + b"\n" for i in range(count)]


def write(path: Path, lines: list[bytes]) -> str:
    """A file of lines, gzipped if its name says so; returns its name."""
    content = b"".join(lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


def saved_lines(data_dir: Path) -> int:
    """Lines that the one state file there says are done; 0 without one."""
    states = list((data_dir / "import").glob("*.json"))
    return int(orjson.loads(states[0].read_bytes())["lines"]) if states else 0
