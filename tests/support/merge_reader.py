"""Reads merged people over HTTP again and again, and notes each answer in which some are merged and others are not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from config import Settings
from tests.support.http import Client, client, new_key, serving

PAUSE = 0.05
"""Seconds between two samples, about as long as one takes: readers must not use most of the processor."""


class View(NamedTuple):
    """What readers see of some people at one revision: key → the key it stands for, tickets and activity by key."""

    survivors: dict[str, str]
    tickets: dict[str, list[str]]
    activity: dict[str, list[str]]


class MergeReader:
    """Samples views of the same people. ``views``: the different ones, in their order; ``samples``: how many."""

    def __init__(self, api: Client, keys: Sequence[str]) -> None:
        self._api = api
        self._keys = keys
        self.views: list[View] = []
        self.samples = 0

    async def follow(self) -> None:
        """Samples until it is cancelled: each key by a request of its own, all as of one revision; and each at the
        newest, where one answer must not mix two views either."""
        while True:
            token = (await self._api.get("relationships"))["token"]
            view = await self._view(as_of=token)
            if not self.views or self.views[-1] != view:
                self.views.append(view)
            for key in self._keys:
                found = await self._api.get(f"entities/person/{key}")
                merged = sorted([found["key"], *found["replaces"]])
                assert merged in ([key], sorted(self._keys)), found
            self.samples += 1
            await asyncio.sleep(PAUSE)

    async def seen(self, samples: int) -> None:
        """Waits until so many more samples were taken."""
        wanted = self.samples + samples
        while self.samples < wanted:
            await asyncio.sleep(0.01)

    async def _view(self, **at: Any) -> View:
        survivors, tickets, activity = {}, {}, {}
        for key in self._keys:
            survivors[key] = (await self._api.get(f"entities/person/{key}", **at))["key"]
            links = await self._api.get("relationships/person_ticket/links", parent=key, **at)
            tickets[key] = sorted(link["child"] for link in links["items"])
            items = await self._api.get(f"entities/person/{key}/activity", **at)
            activity[key] = [item["id"] for item in items["items"]]
        return View(survivors, tickets, activity)


@asynccontextmanager
async def reading(settings: Settings, tenant: str, keys: Sequence[str]) -> AsyncIterator[MergeReader]:
    """Samples views of people within the block. Raises what the reader raised."""
    async with serving(settings) as app, client(app, await new_key(settings.database_url, tenant)) as api:
        reader = MergeReader(api, keys)
        task = asyncio.create_task(reader.follow())
        try:
            yield reader
        finally:
            task.cancel()
            ended = (await asyncio.gather(task, return_exceptions=True))[0]
        if not isinstance(ended, asyncio.CancelledError):
            raise AssertionError("the reader has ended") from ended
