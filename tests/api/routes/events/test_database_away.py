"""PostgreSQL or Temporal is away and returns: the process keeps running, and no acknowledged fact is lost."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from api.app import create_app
from catalog.catalog import Catalog
from config import Settings
from devstack.ports import free_port
from devstack.postgres import Postgres
from devstack.temporal_server import TemporalServer
from devstack.testing import temporary_postgres
from store.db.pool import create_pool
from store.migrate import migrate
from tests.support.eventually import eventually_true
from tests.support.posting import BATCH, NDJSON, ApiCaller, group, keys

pytestmark = pytest.mark.stack


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[ApiCaller]:
    """The caller of an application of its own."""
    pool = await create_pool(url, 2)
    shown = await keys(pool, "main", "other")
    await pool.close()
    app = create_app(Settings(database_url=url, temporal_ui_url="http://temporal.test"))
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://tether.test") as http,
    ):
        yield ApiCaller(http, shown, "main")


async def ready(caller: ApiCaller) -> tuple[int, dict[str, object]]:
    response = await caller.ask("GET", "/readyz", key=None)
    return response.status, response.content


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> int:
    """The port of a Temporal that is not there."""
    port = free_port()
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
    return port


@asynccontextmanager
async def migrated(catalog: Catalog) -> AsyncIterator[Postgres]:
    async with temporary_postgres() as postgres:
        pool = await create_pool(postgres.url, 2)
        await migrate(pool, catalog)
        await pool.close()
        yield postgres


@pytest.mark.usefixtures("nowhere")
async def test_requests_are_unavailable_until_postgres_returns(catalog: Catalog) -> None:
    async with migrated(catalog) as postgres, opened(postgres.url) as caller:
        assert (await caller.event(group("before"))).status == 202
        await postgres.stop()
        link = {"parent": "g", "child": "c"}
        for response in (
            await caller.event(group("while")),
            await caller.batch(group("while")),
            await caller.lines(group("while")),
            await caller.event(group("while"), key="publish:groups"),  # a key that was not looked up before
            await caller.event(group("while"), key="unknown"),
            await caller.ask("GET", "/v1/entities/group/before"),
            await caller.ask("GET", "/v1/feed", params={"timeout": "100"}),
            await caller.ask("GET", "/v1/relationships/group_channel/links"),
            await caller.ask("GET", "/v1/waiting"),
            await caller.ask("GET", "/v1/quarantine"),
            await caller.ask("GET", "/v1/operations/x"),
            await caller.ask("POST", "/v1/relationships/group_channel/links", json=link),
            await caller.ask("DELETE", "/v1/relationships/group_channel/links/c"),
        ):
            assert (response.status, response.slug) == (503, "unavailable")
            assert int(response.headers["retry-after"]) >= 1
            assert "PostgreSQL" in response.content["detail"]
        status, said_ready = await ready(caller)
        assert (status, said_ready["ready"]) == (503, False)
        assert said_ready["postgres"] != "ok"
        assert (await caller.ask("GET", "/healthz", key=None)).status == 200
        assert (await caller.http.get("/metrics")).status_code == 200
        assert (await caller.post("{")).status == 400  # what is wrong by itself needs no database
        await postgres.start()
        assert (await caller.event(group("after"))).status == 202
        assert await caller.facts() == ["after", "before"]


@pytest.mark.usefixtures("nowhere")
async def test_concurrent_requests_are_all_answered_when_postgres_fails(catalog: Catalog) -> None:
    """Each gets 202, and then it is on disk; or 503, and then the same may be sent again."""
    async with migrated(catalog) as postgres, opened(postgres.url) as caller:
        taken: list[str] = []

        async def publish(number: int) -> str:
            """One after another, until one is not taken."""
            for count in itertools.count():
                response = await caller.event(group(key := f"g{number:02}-{count:05}"))
                if response.status != 202:
                    assert response.slug == "unavailable"
                    return key
                taken.append(key)
            raise AssertionError

        crowd = [asyncio.create_task(publish(number)) for number in range(16)]
        await eventually_true(lambda: len(taken) >= 50)
        await postgres.stop()
        refused = await asyncio.gather(*crowd)
        await postgres.start()
        known = set(await caller.facts())
        assert set(taken) <= known
        again = await caller.batch(*(group(key) for key in (*taken, *refused)))
        assert (again.content["duplicates"], again.content["accepted"]) == (len(known), len(taken) + 16 - len(known))


async def test_facts_are_recorded_without_temporal_and_readyz_says_so(
    nowhere: int, database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url) as caller:
        status, response = await ready(caller)
        assert (status, response["ready"], response["postgres"]) == (503, False, "ok")
        assert str(response["temporal"]).startswith("unavailable")
        assert (await caller.event(group("g1"))).status == 202
        assert (await caller.post("[]", BATCH)).status == 202
        assert (await caller.post(b"", NDJSON)).status == 202
        link = await caller.ask("POST", "/v1/relationships/group_channel/links", json={"parent": "g1", "child": "c1"})
        assert (link.status, link.content["state"]) == (202, "waiting")
        assert (await caller.get(f"operations/{link.content['id']}"))["state"] == "waiting"
        assert (await caller.get("entities/group/g1"))["state"] == "live"
        assert [w["parent"] for w in (await caller.get("waiting"))["items"]] == ["g1"]
        server = TemporalServer(None, nowhere, free_port(), tmp_path / "temporal.log")
        try:
            await server.start()
            for _ in range(10):  # it looks for two seconds, and Temporal has only just started
                found = await ready(caller)
                if found[0] == 200:
                    break
            assert found == (200, {"ready": True, "postgres": "ok", "temporal": "ok"})
        finally:
            await server.stop()
