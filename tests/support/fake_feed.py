"""Fakes of what `tether.consumer` works with: Tether's snapshots, feed and acknowledgements, and a database.

Both call ``pause`` wherever the consumer awaits something. It may raise, as a process is killed there.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Pause = Callable[[], Awaitable[None]]


@dataclass
class FeedAnswer:
    """An answer, as HTTP clients have it."""

    status_code: int
    content: bytes = b""
    headers: Json = field(default_factory=dict)
    lines: Callable[[], AsyncIterator[str]] | None = None
    url: str = "/v1"

    def json(self) -> Any:
        return json.loads(self.content)

    async def aread(self) -> bytes:
        return self.content

    def aiter_lines(self) -> AsyncIterator[str]:
        assert self.lines is not None
        return self.lines()


class FeedServer:
    """Changes of keys, in order. An offset is the number of changes before it; those below ``horizon`` are gone."""

    def __init__(self, pause: Pause) -> None:
        self.pause = pause
        self.changes: list[tuple[str, int | None]] = []
        self.horizon = 0
        self.declared = 0  # which fields rows have; another one gives all rows other values
        self.snapshots: dict[str, int] = {}
        self.generation = 0
        self.acknowledged = 0
        self.begun = 0

    def rows(self, offset: str, declared: int) -> dict[str, int]:
        """All rows at an offset, by a declaration."""
        found = dict(self.changes[: int(offset)])
        return {key: value + declared for key, value in found.items() if value is not None}

    async def get(self, path: str, *, params: Json, **_: float) -> FeedAnswer:
        """A page of the feed."""
        await self.pause()
        assert (path, params["replica"], params["live"]) == ("/v1/feed", "r", "long-poll")
        first = int(params["offset"])
        if first < self.horizon or int(params["declaration"]) != self.declared:
            return FeedAnswer(410)
        found = list(enumerate(self.changes))[first : first + int(params["limit"])]
        headers = {"stream-next-offset": f"{first + len(found):08}"}
        items = [_item(f"{n + 1:08}", key, value, self.declared) for n, (key, value) in found]
        return FeedAnswer(200, json.dumps(items).encode(), headers) if found else FeedAnswer(204, b"", headers)

    async def post(self, path: str, *, json: Json) -> FeedAnswer:
        """A generation, or an acknowledgement."""
        await self.pause()
        if path.endswith("/generations"):
            self.generation += 1
            return FeedAnswer(201, f'{{"generation": {self.generation}}}'.encode())
        if json["generation"] != self.generation:
            return FeedAnswer(409, b'{"type": "/problems/fenced"}')
        self.acknowledged = max(self.acknowledged, int(json["offset"]))
        return FeedAnswer(200, b"{}")

    @asynccontextmanager
    async def stream(self, method: str, path: str, *, params: Json, **_: float) -> AsyncIterator[FeedAnswer]:
        """A snapshot, or the rest of one."""
        await self.pause()
        assert (method, path, params["replica"]) == ("GET", "/v1/snapshots", "r")
        id, _, after = params.get("cursor", "").partition("/")
        if id and id not in self.snapshots:
            yield FeedAnswer(410)
            return
        if not id:
            self.begun += 1
            id = f"s{self.begun}"
            self.snapshots[id] = len(self.changes)
        declared = self.declared
        rows = dict(sorted(self.rows(f"{self.snapshots[id]}", declared).items()))

        async def lines() -> AsyncIterator[str]:
            offset = f"{self.snapshots[id]:08}"
            yield json.dumps(
                {"type": "snapshot-start", "id": id, "data": {"offset": offset, "declaration": f"{declared}"}}
            )
            for key, value in rows.items():
                if key > after:
                    await self.pause()
                    yield json.dumps(_item(f"{id}/{key}", key, value))
            await self.pause()
            yield json.dumps({"type": "snapshot-end", "id": id, "data": {"count": len(rows)}})

        yield FeedAnswer(200, lines=lines)


class MemoryCopy:
    """A `tether.consumer.Copy` in memory: a transaction works on copies, which a commit puts in place."""

    def __init__(self, pause: Pause) -> None:
        self.pause = pause
        self.position: str | None = None
        self.stored: dict[tuple[int, str], int] = {}

    @property
    def at(self) -> Json:
        """The position, as JSON."""
        return dict(json.loads(self.position or '{"edition": 0}'))

    @property
    def rows(self) -> dict[str, int]:
        """What readers see."""
        return {key: value for (edition, key), value in self.stored.items() if edition == self.at["edition"]}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["MemoryCopy"]:
        await self.pause()
        tx = MemoryCopy(self.pause)
        tx.position, tx.stored = self.position, deepcopy(self.stored)
        yield tx
        await self.pause()
        self.position, self.stored = tx.position, tx.stored
        await self.pause()

    async def load(self, tx: "MemoryCopy") -> str | None:
        await self.pause()
        return tx.position

    async def store(self, tx: "MemoryCopy", position: str) -> None:
        await self.pause()
        tx.position = position

    async def apply(self, tx: "MemoryCopy", edition: int, items: Sequence[Json]) -> None:
        for item in items:
            await self.pause()
            tx.stored.pop((edition, item["subject"]), None)
            if item["type"] == "EntityChanged":
                tx.stored[edition, item["subject"]] = item["data"]["data"]["n"]

    async def keep(self, tx: "MemoryCopy", edition: int) -> None:
        await self.pause()
        tx.stored = {key: value for key, value in tx.stored.items() if key[0] == edition}


def _item(id: str, key: str, value: int | None, declared: int = 0) -> Json:
    if value is None:
        return {"id": id, "subject": key, "type": "EntityDeleted", "data": {"change": "entity"}}
    live = {"change": "entity", "data": {"n": value + declared}}
    return {"id": id, "subject": key, "type": "EntityChanged", "data": live}
