"""A client that follows the feed by its cursors reads each change once and in order, despite writers and restarts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from catalog.catalog import Catalog
from config import Limits, Settings
from facts import tokens
from facts.envelope import read
from facts.validation import Validator
from store.db.pool import Pool, transaction
from store.write.settle import settle
from tests.support.events import Event, event
from tests.support.http import Client, client, new_key, serving
from tests.support.locks import until_blocked

TENANT = "main"


class Reader:
    """Follows the feed in small pages."""

    def __init__(self, of: Client) -> None:
        self.of = of
        self.items: list[dict[str, Any]] = []
        self.next = "-1"
        self._news = asyncio.Event()

    async def follow(self) -> None:
        while True:
            items, self.next = await self.of.feed(limit=2, live="long-poll", timeout=1000, offset=self.next)
            self.items += items
            self._news.set()

    async def seen(self, key: str) -> None:
        """Waits until an item about an entity with this key was read."""
        async with asyncio.timeout(30):
            while not any(item["subject"] == key for item in self.items):
                self._news.clear()
                await self._news.wait()

    @property
    def revisions(self) -> list[int]:
        return [tokens.revision(TENANT, item["token"]) for item in self.items]


@asynccontextmanager
async def following(of: Client) -> AsyncIterator[Reader]:
    reader = Reader(of)
    task = asyncio.create_task(reader.follow())
    yield reader
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
async def key(database_url: str) -> str:
    return await new_key(database_url, TENANT)


@pytest.fixture
async def api(settings: Settings, key: str) -> AsyncIterator[Client]:
    async with serving(settings) as app, client(app, key) as found:
        yield found


def item(key: str, category: str = "c") -> Event:
    return event("ItemAdded", key, 1, name=key, category=category)


class Held:
    """A transaction that has settled a fact and is held open."""

    def __init__(self, pool: Pool, catalog: Catalog, event: Event) -> None:
        self._pool = pool
        self._catalog = catalog
        self._entry = Validator(catalog, Limits()).validate(read(event))
        self._settled, self._release = asyncio.Event(), asyncio.Event()
        self._rolled_back = False
        self._task = asyncio.create_task(self._hold())

    async def _hold(self) -> None:
        async with transaction(self._pool) as conn:
            await settle(conn, self._catalog, TENANT, [self._entry], "slow")
            self._settled.set()
            await self._release.wait()
            if self._rolled_back:
                raise RolledBack

    async def settled(self) -> None:
        await self._settled.wait()

    async def commit(self) -> None:
        self._release.set()
        await self._task

    async def roll_back(self) -> None:
        self._rolled_back = True
        self._release.set()
        with pytest.raises(RolledBack):
            await self._task


class RolledBack(Exception):
    """Raised to roll a transaction back."""


async def everything(of: Client) -> list[dict[str, Any]]:
    """The whole feed, read after the writers have ended."""
    items: list[dict[str, Any]] = []
    while page := await of.get("feed", offset=items[-1]["id"] if items else "-1"):
        items += page
    return items


async def exactly_once(reader: Reader) -> None:
    whole = await everything(reader.of)
    assert reader.items == whole[: len(reader.items)]
    assert reader.revisions == sorted(reader.revisions)
    offsets = [i["id"] for i in whole]
    assert offsets == sorted(set(offsets))
    assert set(keys_of_items(whole)) == set(keys_of_items(reader.items))


def keys_of_items(items: list[dict[str, Any]]) -> list[str]:
    return [i["subject"] for i in items if i.get("kind") == "item"]


async def test_feed_skips_no_item_of_a_transaction_that_commits_late(api: Client, pool: Pool, catalog: Catalog) -> None:
    async with following(api) as reader:
        await api.publish(item("first"))
        await reader.seen("first")
        held = Held(pool, catalog, item("held"))
        await held.settled()
        later = [asyncio.create_task(api.publish(item(f"later-{n}"))) for n in range(5)]
        await until_blocked(pool)
        before = reader.items.copy()
        assert await api.get("feed") == before  # neither its items nor later ones
        assert not any(task.done() for task in later)
        await held.commit()
        await asyncio.gather(*later)
        await api.publish(item("last"))
        await reader.seen("last")
    await exactly_once(reader)
    keys = keys_of_items(reader.items)
    assert keys[:2] == ["first", "held"]
    assert sorted(keys) == ["first", "held", "last", *(f"later-{n}" for n in range(5))]


async def test_open_transaction_does_not_delay_other_tenants(
    api: Client, settings: Settings, pool: Pool, catalog: Catalog
) -> None:
    held = Held(pool, catalog, item("held"))
    await held.settled()
    async with serving(settings) as app, client(app, await new_key(settings.database_url, "other")) as other:
        await other.publish(item("theirs"))
        assert keys_of_items(await other.get("feed", kind="item")) == ["theirs"]
    await held.commit()


async def test_rolled_back_transaction_leaves_no_gap_in_the_revisions(
    api: Client, pool: Pool, catalog: Catalog
) -> None:
    async with following(api) as reader:
        await api.publish(item("first"))
        await reader.seen("first")
        held = Held(pool, catalog, item("never"))
        await held.settled()
        later = asyncio.create_task(api.publish(item("later")))
        await until_blocked(pool)
        await held.roll_back()
        assert tokens.revision(TENANT, await later) == 2
        await api.publish(item("never"))
        await reader.seen("never")
    await exactly_once(reader)
    assert keys_of_items(reader.items) == ["first", "later", "never"]
    assert sorted(set(reader.revisions)) == [1, 2, 3]


async def test_reader_continues_across_a_restart_of_the_api(settings: Settings, key: str) -> None:
    async with serving(settings) as app, client(app, key) as api, following(api) as reader:
        for n in range(5):
            await api.publish(item(f"before-{n}"), item(f"too-{n}", f"c{n}"))
        await reader.seen("before-0")
    next = reader.next
    async with serving(settings) as app, client(app, key) as api:
        await api.publish(*(event("CategoryAdded", f"c{n}", 1, name="c") for n in range(5)))
        again = Reader(api)
        again.items, again.next = reader.items, next
        task = asyncio.create_task(again.follow())
        await api.publish(item("after"))
        await again.seen("after")
        task.cancel()
        await exactly_once(again)


async def test_readers_beside_many_writers_read_each_item_once(api: Client) -> None:
    async with following(api) as first, following(api) as second:
        await asyncio.gather(
            *(api.publish(item(f"{n}-{m}", f"c{m}")) for n in range(20) for m in range(3)),
            *(api.publish(event("CategoryAdded", f"c{m}", 1, name="c")) for m in range(3)),
        )
        await api.publish(item("last"))
        await first.seen("last")
        await second.seen("last")
    await exactly_once(first)
    await exactly_once(second)
