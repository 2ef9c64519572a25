"""Liveness, readiness and metrics of a process."""

import httpx2
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.http.metrics import Metrics, MetricsMiddleware
from catalog.catalog import Catalog
from config import Settings
from store.db import readiness
from store.db.pool import Pool, create_pool
from store.read.gauges import Gauges
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.recording import FactRecorder


@pytest.fixture(autouse=True)
def no_temporal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one listens at its usual port."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


async def test_process_is_live_but_not_ready_without_dependencies() -> None:
    app = create_app(Settings(database_url="postgresql://none@127.0.0.1:1/none"))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://tether.test") as http,
    ):
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["ready"] is False
        assert "PostgreSQL is unavailable" in answer.json()["postgres"]
        assert answer.json()["temporal"] != "ok"
        assert (await http.get("/metrics")).status_code == 200


async def test_process_is_ready_with_migrated_postgres_and_temporal(
    api: Api, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await api.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["postgres"] == "ok"

    async def ok() -> str:
        return "ok"

    monkeypatch.setattr(app.state.dependencies.starter, "check", ok)
    answer = await api.http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "postgres": "ok", "temporal": "ok"})


async def test_readiness_names_missing_migration_or_declaration(pool: Pool, catalog: Catalog, template: str) -> None:
    assert await readiness.check(pool, catalog) == "ok"
    async with pool.acquire() as conn:
        await conn.execute("update restarting_kinds set kind = 'group' where kind = 'team'")
        assert "on_sequence_restart is declared otherwise" in (answer := await readiness.check(pool, catalog))
        assert "for: group, team; run `tether migrate`" in answer
        await conn.execute("delete from definitions where relationship = 'category_item'")
        assert "not backfilled: category_item; run `tether migrate`" in await readiness.check(pool, catalog)
        await conn.execute("delete from migrations")
        assert "migrations are missing: 0001_base.sql" in await readiness.check(pool, catalog)
    empty = await create_pool(template.rpartition("/")[0] + "/postgres", 1)
    assert "there is no schema" in await readiness.check(empty, catalog)
    await empty.close()


async def test_database_metrics_are_read_for_each_scrape(api: Api, facts: FactRecorder) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"), event("GroupCreated", "g", 1, name="g"))
    lines = (await api.http.get("/metrics")).text.splitlines()
    assert 'tether_head_revision{tenant="main"} 1.0' in lines
    assert 'tether_waits{missing="parent",relationship="category_item",tenant="main"} 1.0' in lines
    assert 'tether_waits_overdue{missing="child",relationship="group_channel",tenant="main"} 0.0' in lines
    assert "tether_outbox_due 1.0" in lines


async def test_requests_are_counted_by_route_template() -> None:
    metrics = Metrics()
    app = FastAPI()
    app.add_middleware(MetricsMiddleware, metrics=metrics)

    @app.get("/things/{key:path}")
    async def thing(key: str) -> str:
        if key == "bad":
            raise ValueError(key)
        return key

    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tether.test") as http:
        for path in ("/things/a", "/things/b/c", "/things/bad", "/else", "/else/where"):
            await http.get(path)
    metrics.facts(accepted=3, duplicates=2, rejected=1)
    lines = metrics.text(Gauges())[0].decode().splitlines()
    assert 'tether_http_requests_total{method="GET",route="/things/{key}",status="200"} 2.0' in lines
    assert 'tether_http_requests_total{method="GET",route="/things/{key}",status="500"} 1.0' in lines
    assert 'tether_http_requests_total{method="GET",route="none",status="404"} 2.0' in lines
    assert 'tether_http_request_seconds_count{method="GET",route="/things/{key}"} 3.0' in lines
    assert 'tether_facts_total{outcome="accepted"} 3.0' in lines
    assert 'tether_facts_total{outcome="rejected"} 1.0' in lines
