"""A client of Tether's HTTP API: publishes facts and reads, each request with the API key of its scope."""

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
    """Tether answered with an error. ``status``: of HTTP; ``problem``: the problem document (RFC 9457)."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status}: {problem.get('detail') or problem.get('title')}")
        self.status = status
        self.problem = problem


def fact(owner: str, type: str, key: str, sequence: int, data: Json | None = None, **extensions: str) -> Json:
    """A CloudEvent about one entity. The id depends on type, key and sequence only.

    ``owner``: the last part of ``source``; ``type``: with its version, ``GroupCreated.v1``; ``key``: the entity's;
    ``sequence``: place among the entity's facts; ``extensions``: extension attributes, such as ``correlationid``.
    """
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
    """Numbers of new and of known facts in the answer to publishing or importing facts."""
    return {name: int(answer[name]) for name in ("accepted", "duplicates")}


class TetherClient:
    """Client of one tenant. ``url``: base URL of the API; ``keys``: scope → API key."""

    def __init__(self, url: str, keys: Mapping[str, str]) -> None:
        self._keys = keys
        self._http = httpx2.AsyncClient(base_url=url, timeout=60.0, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def publish(self, *facts: Json, scope: str = "") -> Json:
        """Publishes facts of one owner with that owner's API key, or with the key of ``scope``.

        Returns the answer, with the token and the counts. Raises Refusal.
        """
        scope = scope or f"publish:{facts[0]['source'].strip('/')}"
        if len(facts) == 1:
            return await self.request("POST", "events", scope, body=facts[0], kind="application/cloudevents+json")
        return await self.request("POST", "events", scope, body=list(facts), kind="application/cloudevents-batch+json")

    async def request(
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
        """Sends a request to ``/v1/{path}`` and returns the JSON object of the answer. Raises Refusal.

        ``scope``: whose API key is used; ``body``: sent as JSON with the content type ``kind``; ``once``: the
        Idempotency-Key; ``query``: parameters, without those that are None.
        """
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
        """The entity; None if no fact ever mentioned it. ``when``: ``at_least=`` or ``as_of=`` with a token."""
        try:
            return await self.request("GET", f"entities/{kind}/{quote(key, safe='')}", query=when)
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise

    async def links(self, relationship: str, **query: str) -> list[Json]:
        """All links of a relationship that match the query, from all pages."""
        return await self._all(f"relationships/{relationship}/links", **query)

    async def link(self, relationship: str, child: str, **when: str) -> Json:
        """The first link of a child; empty if it has none."""
        found = await self.links(relationship, child=child, **when)
        return found[0] if found else {}

    async def why(self, relationship: str, child: str) -> Json:
        """The explanation of the state of the child's link. Raises Refusal."""
        return await self.request("GET", f"relationships/{relationship}/links/{quote(child, safe='')}/why")

    async def activity(self, kind: str, key: str, **query: str) -> list[Json]:
        """The activity of an entity, from all pages. ``query``: such as ``order="oldest"``, ``as_of=`` with a token."""
        return await self._all(f"entities/{kind}/{quote(key, safe='')}/activity", **query)

    async def waiting(self, **query: str) -> list[Json]:
        """All waits that match the query, from all pages."""
        return await self._all("waiting", **query)

    async def feed(self, **query: str) -> list[Json]:
        """All items of the feed from its beginning, in order, as CloudEvents."""
        headers = {"authorization": f"Bearer {self.key('read')}", "accept": "application/x-ndjson"}
        answer = await self._http.get("/v1/feed", params=query, headers=headers)
        items = [json.loads(line) for line in answer.raise_for_status().content.split(b"\n") if line]
        return [item for item in items if item["type"] != "feed-caught-up"]

    async def metric(self, name: str) -> float | None:
        """The value of a metric without labels from ``/metrics``; None if it is not there."""
        text = (await self._http.get("/metrics")).text
        return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")), None)

    def key(self, scope: str) -> str:
        """The API key of a scope; that of ``admin`` if the scope has none."""
        return self._keys.get(scope) or self._keys["admin"]

    async def _all(self, path: str, **query: str) -> list[Json]:
        items: list[Json] = []
        cursor: str | None = None
        while True:
            page = await self.request("GET", path, query={**query, "cursor": cursor, "limit": PAGE})
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                return items
