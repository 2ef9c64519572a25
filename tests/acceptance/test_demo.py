"""The demo as a new user runs it: one situation to its end, then all of them on the same data, and its addresses."""

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
"""Most seconds for all situations; one minute on an idle machine."""

OWNERS = ("Groups", "Channels", "Events", "Teams", "People", "Activities", "Tickets", "Users")

pytestmark = [pytest.mark.slow, pytest.mark.stack, pytest.mark.faults, pytest.mark.timeout(900)]


@asynccontextmanager
async def demo(data: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs ``python -m examples.demo`` on this data directory, without settings from the environment."""
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


async def read_until(process: asyncio.subprocess.Process, text: str) -> str:
    """The output up to the line that contains ``text``, or up to its end."""
    assert process.stdout
    output = ""
    async with asyncio.timeout(PLAYED):
        while line := (await process.stdout.readline()).decode():
            output += line
            if text in line:
                break
    return output


def address(output: str, name: str) -> str:
    found = re.search(rf"^ *{name} +(http\S+)$", output, re.MULTILINE)
    assert found, output
    return found[1]


async def test_demo_on_the_data_of_another_one_holds_all_checks_and_keeps_running() -> None:
    with tempfile.TemporaryDirectory(prefix="tether-") as folder:
        Path(folder).chmod(0o711)
        data = Path(folder).resolve() / "data"
        async with demo(data, "--once", "--only", "categories_and_items") as process:
            output = await read_until(process, "no such line")
            assert await process.wait() == 0, output
        assert "✗" not in output
        assert re.search(r"^All \d+ checks hold$", output, re.MULTILINE), output
        assert marked(data / "demo") == set()

        async with demo(data) as process:
            output = await read_until(process, "Ctrl-C stops everything")
            assert re.search(r"^All \d+ checks hold$", output, re.MULTILINE), output
            assert "Temporal shows it at http" in output
            shown = output.partition("It keeps running")[2]
            async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
                for name in ("API", "Temporal Web UI", "a workflow that waits", *OWNERS):
                    answer = await client.get(address(shown, name), follow_redirects=True)
                    assert answer.status_code == 200, name
            process.send_signal(signal.SIGINT)
            await read_until(process, "no such line")
            assert await process.wait() == 0
        assert marked(data / "demo") == set()
