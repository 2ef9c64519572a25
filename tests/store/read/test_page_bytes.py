"""Pages are limited in bytes as well as in items: each has at least one item, and cursors go on where it ended."""

import pytest

from catalog import limits
from catalog.catalog import Catalog
from facts.ingest import Rejection
from store.db.pool import Pool, transaction
from store.db.snapshot import snapshot
from store.quarantine import listings
from store.quarantine.listings import EventFilter
from store.read import feed
from store.read.feed_items import FeedItem
from store.read.feed_offsets import BEGINNING
from store.read.feed_query import query_for
from tests.support.events import Event, event
from tests.support.merging import activity
from tests.support.quarantined import keep
from tests.support.recording import TENANT, FactRecorder

FACT = 200_000
"""Bytes of one fact's data, about: well below the limit for a fact."""


def large(key: str, sequence: int, filler: str) -> Event:
    return event("ItemAdded", key, sequence, name=filler * (FACT // len(filler.encode())), category="c")


async def pages(pool: Pool, catalog: Catalog, limit: int) -> list[list[FeedItem]]:
    """Returns the items of all pages of the feed."""
    found: list[list[FeedItem]] = []
    position = BEGINNING
    while True:
        async with snapshot(pool, TENANT) as at:
            items, position = await feed.page(at, query_for(catalog, None, None), position, limit)
            if position.revision > at.head:
                return [*found, items]
        found.append(items)


@pytest.mark.parametrize("filler", ["x", "abcdefghijklmnopqrstuvwxyz0123456789" * 3, "\u4e00\u5000"])
async def test_feed_page_ends_with_the_item_that_fills_it(
    pool: Pool, facts: FactRecorder, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, filler: str
) -> None:
    for n in range(3):
        await facts.record(*(large(f"i{m}", n, filler) for m in range(4)), event("CategoryAdded", f"c{n}", 1, name="x"))
    (whole,) = await pages(pool, catalog, 1000)
    size = len((whole[1].body["data"]["name"]).encode())
    for room, most in ((1, 1), (size, 1), (size + 5_000, 2), (3 * size + 5_000, 4)):
        monkeypatch.setattr(limits, "PAGE", room)
        parts = await pages(pool, catalog, 1000)
        assert [item for part in parts for item in part] == whole
        assert all(parts[:-1])  # only the last one may have nothing
        assert max(sum(item.phase == 0 and item.body["kind"] == "item" for item in part) for part in parts) == most
        assert [item for part in await pages(pool, catalog, 2) for item in part] == whole


async def test_feed_page_that_two_phases_fill_ends_where_the_first_does(
    pool: Pool, facts: FactRecorder, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (large("a", 1, "x"), large("b", 1, "x"), activity("1", "ann"), large("c", 1, "x"), activity("2", "ann")):
        await facts.record(one)
    (whole,) = await pages(pool, catalog, 1000)
    for room in (1, FACT + 5_000):
        monkeypatch.setattr(limits, "PAGE", room)
        assert [item for part in await pages(pool, catalog, 1000) for item in part] == whole


async def test_quarantine_page_ends_with_the_event_that_fills_it(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    await keep(pool, TENANT, *(Rejection("/s", f"{n}", "T", "bad", b"%d" % n * 1000) for n in range(9)))
    async with transaction(pool) as conn:
        whole, after = await listings.page(conn, TENANT, EventFilter(), None, 1000)
        assert (len(whole), after) == (9, None)
        for wanted in (EventFilter(), EventFilter("T", "other", ""), EventFilter(source="/s")):
            for room, most in ((1, 1), (1000, 1), (1001, 2), (3500, 4)):
                monkeypatch.setattr(limits, "PAGE", room)
                found, before, more = [], None, True
                while more:
                    items, before = await listings.page(conn, TENANT, wanted, before, 1000)
                    assert len(items) <= most
                    found += items
                    more = before is not None
                assert found == whole
