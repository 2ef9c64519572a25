"""The demo as a newcomer runs it: played to its end and looked around in, then once more on the same data."""

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from devstack.processes import marked

ROOT = Path(__file__).parents[2]
PLAYED = 400.0
"""Seconds; a minute on an idle machine."""

OWNERS = ("Groups", "Channels", "Events", "Teams")

pytestmark = [pytest.mark.slow, pytest.mark.stack, pytest.mark.faults, pytest.mark.timeout(900)]


@asynccontextmanager
async def demo(data: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """``python -m examples.demo`` on this data directory, as if nothing was configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TETHER_", "TEMPORAL_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "examples.demo", *arguments,
        cwd=ROOT, env=kept | {"TETHER_DATA_DIR": str(data)}, start_new_session=True,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()


async def read_until(process: asyncio.subprocess.Process, words: str) -> str:
    """All that it says up to the line with these words, or up to its end."""
    assert process.stdout
    said = ""
    async with asyncio.timeout(PLAYED):
        while line := (await process.stdout.readline()).decode():
            said += line
            if words in line:
                break
    return said


def address(said: str, name: str) -> str:
    found = re.search(rf"^ *{name} +(http\S+)$", said, re.MULTILINE)
    assert found, said
    return found[1]


async def test_every_check_holds_it_stays_to_be_looked_at_and_a_second_run_begins_anew() -> None:
    with tempfile.TemporaryDirectory(prefix="tether-") as folder:
        Path(folder).chmod(0o711)
        data = Path(folder).resolve() / "data"
        async with demo(data) as process:
            said = await read_until(process, "Ctrl-C stops everything")
            assert re.search(r"^All \d+ checks hold$", said, re.MULTILINE), said
            assert "Temporal shows it at http" in said
            shown = said.partition("It keeps running")[2]
            async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
                for name in ("API", "Temporal Web UI", "a workflow that waits", *OWNERS):
                    answer = await client.get(address(shown, name), follow_redirects=True)
                    assert answer.status_code == 200, name
            process.send_signal(signal.SIGINT)
            await read_until(process, "never said")
            assert await process.wait() == 0
        assert marked(data / "demo") == set()

        async with demo(data, "--once") as process:
            said = await read_until(process, "never said")
            assert await process.wait() == 0, said
        assert "✗" not in said
        assert re.search(r"^All \d+ checks hold$", said, re.MULTILINE), said
        assert marked(data / "demo") == set()
