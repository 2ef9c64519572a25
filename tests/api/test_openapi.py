"""Generated requests by the OpenAPI document: no internal errors, and every error is a problem document."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from api.app import create_app
from config import Limits, Settings
from store.db.pool import create_pool
from tests.support.posting import STRUCTURED, keys
from tests.support.sampling import examples

Case: TypeAlias = "schemathesis.Case[Any]"
SOME = settings(
    max_examples=examples(8),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer("application/x-ndjson")
def _lines(_: Any, value: Any) -> bytes:
    """The body of a generated request with one event per line."""
    return str(value).encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class SchemathesisTarget:
    """Where it is, and a key that opens everything."""

    url: str
    key: str


@pytest.fixture(scope="module")
def api(template: str) -> Iterator[SchemathesisTarget]:
    """Runs in a thread of its own, because schemathesis sends requests from this one, and blocks."""
    server, _, original = template.rpartition("/")
    url = f"{server}/openapi"
    key = asyncio.run(_prepared(f"{server}/postgres", url, original))
    app = create_app(Settings(database_url=url, limits=Limits(wait=0.05, stream=0.05)))
    serving = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=serving.run)
    thread.start()
    while not serving.started:
        assert thread.is_alive()
    yield SchemathesisTarget(f"http://127.0.0.1:{serving.servers[0].sockets[0].getsockname()[1]}", key)
    serving.should_exit = True
    thread.join()


async def _prepared(admin: str, url: str, original: str) -> str:
    conn = await asyncpg.connect(admin)
    await conn.execute(f"create database openapi template {original}")
    await conn.close()
    pool = await create_pool(url, 1)
    shown = await keys(pool, "main", "other")
    await pool.close()
    return shown["admin"]


def check(case: Case, key: str) -> None:
    answer = case.call(headers={"authorization": f"Bearer {key}"}, timeout=60)
    detail = f"{case.method} {case.formatted_path} {case.query} {case.body!r}: {answer.status_code} {answer.text}"
    assert answer.status_code < 500 or answer.status_code == 503, detail
    if answer.status_code >= 400 and case.path != "/readyz":
        assert answer.headers["content-type"] == ["application/problem+json"], detail
        problem = answer.json()
        assert problem["status"] == answer.status_code, detail
        assert problem["type"].startswith("/problems/"), detail
        assert problem["title"], detail
        assert problem["detail"], detail
        assert "Traceback" not in answer.text


@pytest.mark.slow
def test_no_documented_request_causes_an_internal_error(api: SchemathesisTarget) -> None:
    sent = 0
    for found in schemathesis.openapi.from_url(f"{api.url}/openapi.json").get_all_operations():
        assert isinstance(found, Ok), found

        @given(case=found.ok().as_strategy())
        @SOME
        def play(case: Case) -> None:
            nonlocal sent
            sent += 1
            check(case, api.key)

        play()
    assert sent > 200


def test_openapi_describes_event_bodies_and_the_api_key() -> None:
    document = create_app(Settings()).openapi()
    assert STRUCTURED in document["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    assert "HTTPBearer" in document["components"]["securitySchemes"]
