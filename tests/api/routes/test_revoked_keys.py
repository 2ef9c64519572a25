"""What takes long ends once its API key is revoked: answers that are being sent, polls, and bodies that are read."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from fastapi import FastAPI

from api.http.auth import KeyCache
from store.db import credentials
from store.db.pool import Pool
from store.read import snapshot_rows
from store.read.snapshot_lines import SnapshotLines
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.posting import ApiCaller, group, ndjson
from tests.support.recording import TENANT, FactRecorder


@pytest.fixture(autouse=True)
def _forgetful(app: FastAPI, pool: Pool) -> None:
    """Every key is looked up every time."""
    app.state.dependencies = replace(app.state.dependencies, keys=KeyCache(pool, cache_seconds=0.0))


async def category(facts: FactRecorder, key: str) -> None:
    await facts.record(event("CategoryAdded", key, 1, name="n"))


@pytest.mark.parametrize("live", ["stream", "sse", "long-poll"])
async def test_a_follower_gets_nothing_after_its_key_is_revoked(
    api: Api, facts: FactRecorder, pool: Pool, app: FastAPI, live: str
) -> None:
    await category(facts, "a")
    begin = "now" if live == "long-poll" else "-1"
    following = asyncio.create_task(api.http.get("/v1/feed", params={"live": live, "offset": begin, "timeout": 20_000}))
    waiting = app.state.dependencies.revisions._followers

    async def follows() -> bool:
        return bool(waiting.get(TENANT))

    await eventually(follows)
    await credentials.revoke(pool, TENANT, "reader")
    await category(facts, "later")
    answer = await following
    assert "later" not in answer.text
    assert answer.status_code == (401 if live == "long-poll" else 200)
    assert ('"subject":"a"' in answer.text) == (live != "long-poll")


async def test_a_snapshot_ends_without_its_last_line_once_its_key_is_revoked(
    api: Api, facts: FactRecorder, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("a", "b", "c"):
        await category(facts, key)
    read = SnapshotLines.entity

    def revoking(lines: SnapshotLines, kind: str, row: snapshot_rows.EntityRow) -> bytes:
        revoked.append(asyncio.ensure_future(credentials.revoke(pool, TENANT, "reader")))
        return read(lines, kind, row)

    revoked: list[asyncio.Future[int]] = []
    monkeypatch.setattr(SnapshotLines, "entity", revoking)
    answer = await api.http.get("/v1/snapshots", params={"kind": "category"})
    types = [json.loads(line)["type"] for line in answer.text.splitlines()]
    assert types[0] == "snapshot-start"
    assert "snapshot-end" not in types
    await asyncio.gather(*revoked)


async def test_a_stream_of_facts_is_recorded_up_to_the_moment_its_key_is_revoked(caller: ApiCaller, pool: Pool) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield ndjson(group(f"g{n}") for n in range(500))
        yield ndjson([group("g500")])

        async def recorded() -> bool:
            return bool(await pool.fetchval("select count(*) from facts"))

        await eventually(recorded)
        await credentials.revoke(pool, TENANT, "publish:groups")
        yield ndjson(group(f"h{n}") for n in range(1_000))

    refused = await caller.post(body(), "application/x-ndjson", key="publish:groups")
    assert (refused.status, refused.slug) == (401, "unauthenticated")
    assert refused.content["accepted"] == await pool.fetchval("select count(*) from facts") == 500
