"""The feed is notified of consumers that are at risk or expired."""

import asyncio
from typing import Any

import pytest

import dispatcher
from catalog.catalog import Catalog
from facts import tokens
from facts.revisions import epoch_of, first_of
from store.audit.verify import verify
from store.consumers import acknowledgements, notices, offsets, registrations
from store.consumers.registrations import Registration
from store.db import epochs
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.read import feed
from store.read.feed_events import event as as_event
from store.read.feed_offsets import FeedPosition
from store.read.feed_query import query_for
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder

NO_TEMPORAL: Any = None
"""Nothing is to be started."""
PUNCTUAL = Registration({}, None, 60, "")


async def published(pool: Pool, catalog: Catalog) -> list[tuple[str, str, Any]]:
    """Type, subject and data of the facts about consumers in the feed."""
    async with snapshot(pool, TENANT) as at:
        beginning = FeedPosition(first_of(epoch_of(at.head)))
        items, _ = await feed.page(at, query_for(catalog, None, None), beginning, 100)
    events = [as_event(TENANT, item) for item in items]
    return [
        (found["type"], found["subject"], found["data"]["fact"]["data"])
        for found in events
        if found["type"].startswith("Consumer")
    ]


async def late(pool: Pool, facts: FactRecorder) -> int:
    """Records an hour-old revision that a consumer named c has not acknowledged; returns the consumer's generation."""
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    held = await registrations.register(pool, TENANT, "c", PUNCTUAL, "test")
    await pool.execute("update revisions set at = at - interval '1 hour'")
    return held.consumer.generation


async def test_consumer_at_risk_is_published_once(pool: Pool, facts: FactRecorder, catalog: Catalog) -> None:
    generation = await late(pool, facts)
    await asyncio.gather(*(notices.publish(pool, catalog) for _ in range(4)))
    await notices.publish(pool, catalog)
    [(name, consumer, data)] = await published(pool, catalog)
    assert (name, consumer, data["holder"], data["generation"]) == ("ConsumerAtRisk", "c", "test", generation)
    assert data["lag"]["revisions"] == 1
    assert data["lag"]["seconds"] > 3_600


async def test_consumer_that_was_at_risk_again_is_published_again(
    pool: Pool, facts: FactRecorder, catalog: Catalog
) -> None:
    generation = await late(pool, facts)
    await notices.publish(pool, catalog)
    newest = offsets.read(TENANT, tokens.token(TENANT, 2))
    await acknowledgements.acknowledge(pool, TENANT, "c", generation, newest)
    await notices.publish(pool, catalog)
    assert len(await published(pool, catalog)) == 1
    await facts.record(event("CategoryAdded", "d", 1, name="d"))
    await pool.execute("update revisions set at = at - interval '1 hour'")
    await notices.publish(pool, catalog)
    assert [name for name, _, _ in await published(pool, catalog)] == ["ConsumerAtRisk", "ConsumerAtRisk"]


async def test_expired_consumer_is_published_and_a_current_one_is_not(
    pool: Pool, facts: FactRecorder, catalog: Catalog
) -> None:
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    await registrations.register(pool, TENANT, "c", PUNCTUAL, "test")
    await notices.publish(pool, catalog)
    assert await published(pool, catalog) == []
    async with pool.acquire() as conn:
        await epochs.begin_everywhere(conn, "test")
    await notices.publish(pool, catalog)
    [(name, consumer, data)] = await published(pool, catalog)
    assert (name, consumer, data["lag"]["revisions"]) == ("ConsumerExpired", "c", None)


async def test_dispatcher_looks_at_consumers_again_and_again(
    pool: Pool, facts: FactRecorder, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await late(pool, facts)
    monkeypatch.setattr(dispatcher, "CONSUMERS_EVERY", 0.01)
    running = asyncio.create_task(dispatcher.Dispatcher(pool, NO_TEMPORAL, catalog=catalog).run())
    while not await published(pool, catalog):
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_facts_about_consumers_change_no_state(pool: Pool, facts: FactRecorder, catalog: Catalog) -> None:
    await late(pool, facts)
    await notices.publish(pool, catalog)
    report = await verify(pool, catalog, rebuild=True)
    assert report.sound
