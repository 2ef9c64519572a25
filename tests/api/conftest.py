"""The API on this test's database, called over ASGI, without Temporal."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from api.app import create_app
from config import Settings
from store.db import credentials
from store.db.pool import Pool
from tests.support.posting import ApiCaller, keys
from tests.support.recording import TENANT


class Api:
    """Reads with one key; returns status and JSON."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, **query: Any) -> Any:
        """Returns the JSON of a response that must have the status 200."""
        status, body = await self.ask(path, **query)
        assert status == 200, body
        return body

    async def ask(self, path: str, **query: Any) -> tuple[int, Any]:
        """Status and JSON."""
        answer = await self.http.get(f"/v1/{path}", params=query)
        return answer.status_code, answer.json()

    async def feed(self, **query: Any) -> tuple[list[Any], str]:
        """A page of the feed, and the offset to go on from."""
        answer = await self.http.get("/v1/feed", params=query)
        assert answer.status_code in (200, 204), answer.text
        return answer.json() if answer.content else [], answer.headers["stream-next-offset"]

    async def all(self, path: str, **query: Any) -> list[Any]:
        """The items of all pages."""
        items: list[Any] = []
        while True:
            page = await self.get(path, **query)
            items += page["items"]
            if page["next"] is None:
                return items
            query["cursor"] = page["next"]


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """An application that was started as by a server."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def api(app: FastAPI, pool: Pool) -> AsyncIterator[Api]:
    """A caller with a read key."""
    async with pool.acquire() as conn:
        key = await credentials.create(conn, TENANT, "reader", "read")
    transport = httpx2.ASGITransport(app)
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://tether.test", headers=headers) as http:
        yield Api(http)


@pytest.fixture
async def caller(app: FastAPI, pool: Pool) -> AsyncIterator[ApiCaller]:
    """A caller with a key of each scope, for the tenant that ``facts`` records for."""
    shown = await keys(pool, TENANT, "other")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://tether.test") as http:
        yield ApiCaller(http, shown, TENANT)
