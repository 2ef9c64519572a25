"""Posts events in all content modes, and reads feed and quarantine."""

import json
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx2

from store.db import credentials
from store.db.pool import Pool
from tests.support.events import Event

SCOPES = ("read", "operate", "admin", "publish:groups", "publish:channels")
OTHER = "other"
"""The name of another tenant's key."""

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"


def group(key: str = "g1", **changed: Any) -> Event:
    """Returns a valid event; ``changed`` attributes replace its own, None removes one."""
    event = {
        "specversion": "1.0",
        "id": f"{key}-1",
        "source": "/groups",
        "type": "GroupCreated.v1",
        "subject": key,
        "sequence": "1",
        "data": {"name": key},
    }
    return {name: value for name, value in {**event, **changed}.items() if value is not None}


@dataclass
class ApiResponse:
    """A response. ``content``: its JSON; empty if there was no body."""

    status: int
    content: Any
    headers: httpx2.Headers

    @property
    def slug(self) -> str:
        """The last segment of a problem document's type."""
        assert self.headers["content-type"] == "application/problem+json", self.content
        assert self.content["status"] == self.status
        assert self.content["title"]
        assert self.content["detail"]
        return str(self.content["type"]).removeprefix("/problems/")


class ApiCaller:
    """Calls the API, with the key ``admin`` unless another one is named."""

    def __init__(self, http: httpx2.AsyncClient, keys: dict[str, str], tenant: str) -> None:
        self.http = http
        self.keys = keys
        self.tenant = tenant

    async def ask(
        self, method: str, path: str, *, key: str | None = "admin", headers: dict[str, str] | None = None, **more: Any
    ) -> ApiResponse:
        """``key``: the name of a key, or None for none."""
        shown = {} if key is None else {"authorization": f"Bearer {self.keys.get(key, key)}"}
        answer = await self.http.request(method, path, headers={**shown, **(headers or {})}, **more)
        return ApiResponse(answer.status_code, answer.json() if answer.content else "", answer.headers)

    async def get(self, path: str, *, key: str = "admin", **query: Any) -> Any:
        """Returns the JSON of a response that must have the status 200."""
        response = await self.ask("GET", f"/v1/{path}", key=key, params=query)
        assert response.status == 200, response.content
        return response.content

    async def post(
        self,
        content: str | bytes | AsyncIterable[bytes],
        type: str = STRUCTURED,
        *,
        key: str | None = "admin",
        **headers: str,
    ) -> ApiResponse:
        """Posts a body with a content type to ``/v1/events``."""
        sent = {"content-type": type, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.ask("POST", "/v1/events", key=key, headers=sent, content=content)

    async def event(self, event: Event, *, key: str = "admin", **headers: str) -> ApiResponse:
        return await self.post(json.dumps(event), key=key, **headers)

    async def batch(self, *events: Any, key: str = "admin", **headers: str) -> ApiResponse:
        return await self.post(json.dumps(events), BATCH, key=key, **headers)

    async def lines(self, *lines: Event | bytes, key: str = "admin", **headers: str) -> ApiResponse:
        return await self.post(ndjson(lines), NDJSON, key=key, **headers)

    async def facts(self, key: str = "admin") -> list[str]:
        """Returns the keys of all groups in the feed, sorted."""
        items = await self.get("feed", key=key, kind="group", limit=1000)
        return sorted({item["subject"] for item in items})

    async def quarantine(self, key: str = "admin") -> list[dict[str, Any]]:
        """Returns the quarantine, newest first."""
        items: list[dict[str, Any]] = (await self.get("quarantine", key=key, limit=1000))["items"]
        return items


async def keys(pool: Pool, tenant: str, other: str) -> dict[str, str]:
    """Creates a key of each scope, and one of another tenant; returns them by name."""
    async with pool.acquire() as conn:
        made = {scope: await credentials.create(conn, tenant, scope, scope) for scope in SCOPES}
        return {**made, OTHER: await credentials.create(conn, other, "admin", "admin")}


def ndjson(lines: Iterable[Event | bytes]) -> bytes:
    """Joins events to NDJSON; bytes are taken as they are."""
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
