"""A stack of stub processes, started by ``tether up`` in a separate process."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from devstack import processes
from devstack.ports import free_port
from devstack.postgres import Postgres
from tests.support.eventually import eventually_true

PORTS = ("TETHER_PORT", "TETHER_POSTGRES_PORT", "TETHER_TEMPORAL_PORT", "TETHER_TEMPORAL_UI_PORT")


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that the user of PostgreSQL can enter when the tests run as root."""
    with tempfile.TemporaryDirectory(prefix="tether-") as path:
        Path(path).chmod(0o711)
        yield Path(path).resolve()


class Stack:
    """``tether up`` with stubs; does not wait until it is ready. `terminal`: descriptor to write to, not a file."""

    def __init__(self, data: Path, terminal: int | None = None, **env: str) -> None:
        self.data = data
        self.output = data.with_name(data.name + ".output")
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("TETHER_", "TEMPORAL_"))}
        mine |= dict.fromkeys(PORTS, "0") | {"TETHER_DATA_DIR": str(data)} | env
        with self.output.open("ab") as file:
            output = file if terminal is None else terminal
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.devstack.stub", "up"],
                cwd=Path(__file__).parents[2], env=mine, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    @property
    def printed(self) -> str:
        return self.output.read_text()

    @property
    def logs(self) -> set[str]:
        """Names of the parts that have a log."""
        return {path.stem for path in (self.data / "logs").iterdir()}

    def noted(self) -> dict[str, Any]:
        """stack.json; empty while there is none."""
        try:
            found: dict[str, Any] = json.loads((self.data / "stack.json").read_text())
        except FileNotFoundError:
            return {}
        return found if found["pid"] == self.process.pid else {}

    async def ready(self) -> dict[str, Any]:
        await eventually_true(lambda: self.noted().get("ready") or self.process.poll() is not None)
        assert self.process.poll() is None, self.printed
        return self.noted()

    async def ended(self) -> int:
        await eventually_true(lambda: self.process.poll() is not None)
        return int(self.process.returncode)

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return await self.ended()

    def alive(self) -> set[int]:
        """Ids of all processes of the stack, also of those with another parent."""
        return processes.marked(self.data) | processes.serving(self.data / "postgres")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster() -> AsyncIterator[Path]:
    """A data directory with a new cluster of PostgreSQL and its password: to make one takes longer than to start it."""
    with tempfile.TemporaryDirectory(prefix="tether-") as path:
        Path(path).chmod(0o711)
        postgres = Postgres(Path(path) / "data" / "postgres", free_port(), Path(path) / "postgres.log")
        await postgres.start()
        await postgres.stop()
        yield Path(path) / "data"


@pytest.fixture
async def stack(folder: Path, cluster: Path) -> AsyncIterator[Callable[..., Stack]]:
    """Starts stacks on the same data directory, which has a cluster unless the first one must make it (``empty``).

    Ends what a test leaves running.
    """
    started: list[Stack] = []

    def start(terminal: int | None = None, *, empty: bool = False, **env: str) -> Stack:
        if not started and not empty:
            shutil.copytree(cluster, folder / "data")
        started.append(Stack(folder / "data", terminal, **env))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
    for one in started:
        await processes.end_stack(one.data, one.data / "postgres")
