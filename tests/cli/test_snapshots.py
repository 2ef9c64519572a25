"""`tether snapshot`, whose server may be killed in the middle."""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import orjson
import pytest

from api.app import create_app
from config import Settings
from devstack.ports import answers, free_port
from store.db import credentials
from store.db.pool import Pool
from tests.cli.conftest import Programs, Said
from tests.support.copies import FollowedCopy
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.fake_tether import FakeTether
from tests.support.recording import TENANT, FactRecorder
from tests.support.serving import serving

ITEMS = 3_000
NAME = "n" * 4_000
"""So long that the lines do not all fit into the buffers on the way."""


async def test_snapshot_goes_on_at_its_revision_when_the_server_is_killed(
    programs: Programs, database_url: str, pool: Pool, facts: FactRecorder
) -> None:
    for first in range(0, ITEMS, 500):
        await facts.record(*(event("ItemAdded", f"i{n}", 1, name=NAME) for n in range(first, first + 500)))
    async with pool.acquire() as conn:
        key = await credentials.create(conn, TENANT, "admin", "admin")
    port = free_port()
    programs.environment |= {"TETHER_DATABASE_URL": database_url, "TETHER_PORT": str(port), "TETHER_KEY": key}
    programs.environment["TETHER_URL"] = f"http://127.0.0.1:{port}"
    server = programs.start("serve", stdout=None, stderr=None)
    await eventually(lambda: answers(port))
    reader = programs.start("snapshot", "--kind", "item")
    assert reader.stdout is not None
    start = await asyncio.to_thread(reader.stdout.readline)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    await facts.record(event("ItemRemoved", "i1", 2), event("ItemAdded", "j", 1, name="after it"))
    programs.start("serve", stdout=None, stderr=None)
    output, said = await asyncio.to_thread(reader.communicate)
    copy = FollowedCopy()
    copy.take((start + output).encode())
    assert reader.returncode == 0
    assert "Retrying" in said
    assert copy.data.keys() == {f"i{n}" for n in range(ITEMS)}
    assert len(copy.ids) == len(set(copy.ids)) == copy.start["total"] == copy.end["count"] == ITEMS
    assert copy.end["checksum"] == f"{copy.bucket.sum:016x}"
    assert f"the offset {copy.start['offset']}" in said


@pytest.mark.usefixtures("server")
def test_refused_snapshot_is_one_line_on_standard_error(fake: FakeTether, tether: Callable[..., Said]) -> None:
    said = tether("snapshot", "--kind", "planet")
    assert (said.code, said.out) == (1, "")
    assert len(said.err.splitlines()) == 1
    assert fake.requests[0][1] == "/v1/snapshots?kind=planet"


async def test_audit_names_the_keys_of_a_copy_that_differ(
    tether: Callable[..., Said],
    settings: Settings,
    pool: Pool,
    facts: FactRecorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await facts.record(*(event("ItemAdded", f"i{n}", 1, name="x", category="c") for n in range(200)))
    async with pool.acquire() as conn:
        monkeypatch.setenv("TETHER_KEY", await credentials.create(conn, TENANT, "admin", "admin"))
    app = create_app(settings)
    copy = tmp_path / "copy.jsonl"
    async with app.router.lifespan_context(app), serving(app) as served:
        monkeypatch.setenv("TETHER_URL", f"http://127.0.0.1:{served.port}")
        run = partial(asyncio.to_thread, tether, "consumers")
        await run("create", "shop", "--relationship", "category_item", "--offset", "now")
        rows = [[f"i{n}", "c", "waiting"] for n in range(200)]
        copy.write_bytes(b"\n".join(map(orjson.dumps, rows)))
        said = await run("audit", "shop", str(copy))
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith("Equal: 200 rows as of ")
        rows[7][2], rows[9][0] = "linked", "j9"
        copy.write_bytes(b"\n".join(map(orjson.dumps, rows)))
        said = await run("audit", "shop", str(copy))
        assert (said.code, said.out) == (1, "i7\ni9\nj9\n")
