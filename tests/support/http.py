"""Publishes and reads over HTTP, with one API key."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fastapi import FastAPI

from api.app import create_app
from config import Settings
from store.db import credentials
from store.db.pool import create_pool
from tests.support.events import Event


class Client:
    """A client with one API key. Every response must be successful."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self._http.get(f"/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def feed(self, **query: Any) -> tuple[list[Any], str]:
        """Returns a page of the feed, and the offset to go on from."""
        answer = await self._http.get("/v1/feed", params=query)
        assert answer.status_code in (200, 204), answer.text
        return answer.json() if answer.content else [], answer.headers["stream-next-offset"]

    async def publish(self, *events: Event) -> str:
        """Publishes events in one batch; returns the token."""
        type = "application/cloudevents-batch+json"
        answer = await self._http.post("/v1/events", content=json.dumps(events), headers={"content-type": type})
        assert answer.status_code == 202, answer.text
        result = answer.json()
        assert result["quarantined"] == []
        return str(result["token"])


async def new_key(url: str, tenant: str) -> str:
    """Creates an API key of a tenant with the scope admin."""
    pool = await create_pool(url, 1)
    async with pool.acquire() as conn:
        key = await credentials.create(conn, tenant, "admin", "admin")
    await pool.close()
    return key


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[FastAPI]:
    """Runs the lifespan of an application within the block, as a server does."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def client(app: FastAPI, key: str) -> AsyncIterator[Client]:
    """Opens a client with this API key."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="http://tether.test",
        headers={"authorization": f"Bearer {key}"},
    ) as http:
        yield Client(http)
