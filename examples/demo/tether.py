"""Tether as its users have it: facts in, questions and answers, each request with the key that it takes."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self, TypeAlias
from urllib.parse import quote

import httpx2

PAGE = "1000"

Json: TypeAlias = dict[str, Any]
"""A JSON object."""


class Refusal(Exception):
    """Tether said no. ``status`` is that of HTTP, ``problem`` what it said."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status}: {problem.get('detail') or problem.get('title')}")
        self.status = status
        self.problem = problem


def fact(owner: str, type: str, key: str, sequence: int, data: Json | None = None, **extensions: str) -> Json:
    """A CloudEvent of this owner about the entity ``key``. The same arguments give the same id."""
    return {
        "specversion": "1.0",
        "id": f"{type}/{key}/{sequence}",
        "source": f"/{owner}",
        "type": type,
        "subject": key,
        "sequence": str(sequence),
        "time": datetime.now(UTC).isoformat(),
        "data": data or {},
        **extensions,
    }


def taken(answer: Json) -> dict[str, int]:
    """How many facts were new, and how many were known, by the answer to telling or importing them."""
    return {name: int(answer[name]) for name in ("accepted", "duplicates")}


class TetherClient:
    """One tenant's. ``keys``: scope → API key."""

    def __init__(self, url: str, keys: Mapping[str, str]) -> None:
        self._keys = keys
        self._http = httpx2.AsyncClient(base_url=url, timeout=60.0, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def publish(self, *facts: Json, scope: str = "") -> Json:
        """Tells facts of one owner, with that owner's key or with that of ``scope``. Raises Refusal."""
        scope = scope or f"publish:{facts[0]['source'].strip('/')}"
        if len(facts) == 1:
            return await self.ask("POST", "events", scope, body=facts[0], kind="application/cloudevents+json")
        return await self.ask("POST", "events", scope, body=list(facts), kind="application/cloudevents-batch+json")

    async def ask(
        self,
        method: str,
        path: str,
        scope: str = "read",
        *,
        body: object = None,
        kind: str = "application/json",
        once: str = "",
        query: Mapping[str, str | None] | None = None,
    ) -> Json:
        """The answer to any request under ``/v1``; ``once``: its Idempotency-Key. Raises Refusal."""
        given = {"authorization": f"Bearer {self.key(scope)}"}
        if once:
            given["idempotency-key"] = once
        if body is not None:
            given["content-type"] = kind
        params = {name: value for name, value in (query or {}).items() if value is not None}
        content = None if body is None else json.dumps(body)
        answer = await self._http.request(method, f"/v1/{path}", content=content, headers=given, params=params)
        if not answer.is_success:
            raise Refusal(answer.status_code, answer.json())
        return dict(answer.json())

    async def entity(self, kind: str, key: str, **when: str) -> Json | None:
        """What is known of it; None if nobody ever spoke of it."""
        try:
            return await self.ask("GET", f"entities/{kind}/{quote(key, safe='')}", query=when)
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise

    async def links(self, relationship: str, **query: str) -> list[Json]:
        """All of them, page after page."""
        return await self._all(f"relationships/{relationship}/links", **query)

    async def link(self, relationship: str, child: str, **when: str) -> Json:
        """The child's link; empty if it has none."""
        found = await self.links(relationship, child=child, **when)
        return found[0] if found else {}

    async def why(self, relationship: str, child: str) -> Json:
        """Why the child's link is as it is. Raises Refusal."""
        return await self.ask("GET", f"relationships/{relationship}/links/{quote(child, safe='')}/why")

    async def waiting(self, **query: str) -> list[Json]:
        """All that is waited for, page after page."""
        return await self._all("waiting", **query)

    async def feed(self, **query: str) -> list[Json]:
        """Everything that ever changed, in order."""
        items: list[Json] = []
        after: str | None = None
        while True:
            page = await self.ask("GET", "feed", query={**query, "after": after, "limit": PAGE})
            items += page["items"]
            if after == page["next"]:
                return items
            after = page["next"]

    async def metric(self, name: str) -> float | None:
        """A number without labels from ``/metrics``; None if it is not there."""
        text = (await self._http.get("/metrics")).text
        return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")), None)

    def key(self, scope: str) -> str:
        """The key of this scope, or else the one that may do everything."""
        return self._keys.get(scope) or self._keys["admin"]

    async def _all(self, path: str, **query: str) -> list[Json]:
        items: list[Json] = []
        cursor: str | None = None
        while True:
            page = await self.ask("GET", path, query={**query, "cursor": cursor, "limit": PAGE})
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                return items
