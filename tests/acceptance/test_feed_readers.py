"""Readers that follow published protocols read the feed while facts arrive, and end equal to the table, by hash."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from catalog.catalog import Catalog
from config import Limits, Settings
from store.db.pool import Pool
from tests.support import versions
from tests.support.events import Event, event
from tests.support.feed_readers import END, READERS, FeedCopy, FeedTarget, Row, hash_of
from tests.support.http import new_key
from tests.support.serving import serving
from tests.support.strategies import deliver, history

CLIENT = "@durable-streams/client@0.2.7"
SCRIPT = Path(__file__).parent / "durable_streams_client.mjs"
PAUSE = 0.02
"""Seconds between two batches."""


@pytest.fixture
async def target(settings: Settings, database_url: str) -> AsyncIterator[FeedTarget]:
    """The API on a port, whose Server-Sent Events end after a second."""
    app = create_app(settings.model_copy(update={"limits": Limits(stream=1.0)}))
    key = await new_key(database_url, "main")
    async with app.router.lifespan_context(app), serving(app) as served:
        yield FeedTarget(f"http://127.0.0.1:{served.port}", key)
        app.state.dependencies.revisions.release()


def changes() -> list[Event]:
    """A history of items, categories, groups and channels out of order, some of it twice."""
    return deliver(7, history(7, 40, 260))


async def publish(target: FeedTarget, events: list[Event]) -> None:
    batches = [events[n : n + 4] for n in range(0, len(events), 4)]
    headers = {**target.headers, "content-type": "application/cloudevents-batch+json"}
    async with httpx2.AsyncClient(headers=headers) as http:
        for batch in [*batches, [event("CategoryAdded", END, 1, name="end")]]:
            answer = await http.post(target.url.removesuffix("feed") + "events", content=json.dumps(batch))
            assert answer.status_code == 202, answer.text
            await asyncio.sleep(PAUSE)


async def table(pool: Pool, catalog: Catalog) -> list[Row]:
    """The rows of the newest revision, without the queries that are tested."""
    found = await versions.read(pool, catalog)
    data = {
        (e["kind"], e["key"]): e["data"]
        for e in found.entities
        if e["from_revision"] <= found.newest < e["to_revision"]
    }
    entities: list[Row] = [
        (kind, key, state, data[kind, key] if state == "live" else {})
        for (kind, key), state in found.entity_states(found.newest).items()
        if state != "unknown"
    ]
    return entities + [(*at, *link) for at, link in found.link_states(found.newest).items()]


@pytest.mark.slow
@pytest.mark.stack
async def test_readers_of_each_protocol_end_equal_to_the_table(
    target: FeedTarget, pool: Pool, catalog: Catalog
) -> None:
    loop, threads = asyncio.get_running_loop(), ThreadPoolExecutor(len(READERS))
    reading = {name: loop.run_in_executor(threads, reader, target) for name, reader in READERS.items()}
    await publish(target, changes())
    async with asyncio.timeout(120):
        copies = {name: await copy for name, copy in reading.items()}
    wanted = hash_of(await table(pool, catalog))
    assert {name: copy.hash for name, copy in copies.items()} == dict.fromkeys(READERS, wanted)
    for copy in copies.values():
        assert copy.offsets == sorted(set(copy.offsets))
        assert copy.offsets == copies["durable_catch_up"].offsets[: len(copy.offsets)]


def installed(folder: Path) -> None:
    """Installs the client from npm. Skips the test where there is no npm, or it reaches no registry."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip(f"NOT TESTED: {CLIENT} needs node and npm, which are not installed")
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", CLIENT]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED: npm cannot install {CLIENT}: {done.stderr[-300:]}")


@pytest.mark.slow
@pytest.mark.stack
async def test_the_client_of_durable_streams_from_npm_ends_equal_to_the_table(
    target: FeedTarget, pool: Pool, catalog: Catalog, tmp_path: Path
) -> None:
    await asyncio.to_thread(installed, tmp_path)
    shutil.copy(SCRIPT, tmp_path / "read.mjs")

    async def read(mode: str) -> list[dict[str, Any]]:
        arguments = ("read.mjs", target.url, target.headers["authorization"], mode, END)
        node = await asyncio.create_subprocess_exec("node", *arguments, cwd=tmp_path, stdout=asyncio.subprocess.PIPE)
        out, _ = await node.communicate()
        assert node.returncode == 0
        return [json.loads(line) for line in out.splitlines()]

    reading = [asyncio.create_task(read(mode)) for mode in ("catch-up", "long-poll", "sse", "resume")]
    await publish(target, changes())
    async with asyncio.timeout(120):
        found = await asyncio.gather(*reading)
    wanted = hash_of(await table(pool, catalog))
    for items in found:
        copy = FeedCopy()
        copy.apply(items)
        assert copy.hash == wanted
        assert copy.offsets == sorted(set(copy.offsets))
