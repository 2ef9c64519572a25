"""Those that copy an entity learn that its data was erased."""

import httpx2
import pytest

from catalog.catalog import Catalog
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.erasure.traces import names
from store.read import feed, feed_query
from store.read.feed_offsets import BEGINNING
from tests.store.erasure.conftest import Eraser
from tests.support import canaries
from tests.support.events import event
from tests.support.subscribers import Subscriber, subscribe
from tests.support.tenants import CATALOG, StoreTenant


async def test_a_copy_that_reads_only_changes_learns_of_an_erasure(
    tenant: StoreTenant, eraser: Eraser, pool: Pool
) -> None:
    query = feed_query.query_for(tenant.catalog, replica="shopping_customer", changes="only")
    await tenant.record(event("UserCreated", "u1", 1, name="Ann", email="ann@example.org", phone="1"))
    await tenant.record(event("UserChanged", "u1", 2, phone="2"))
    async with snapshot(pool, tenant.name) as at:
        (copied,), position = await feed.page(at, query, BEGINNING, 100)
    assert copied.body["data"] == {"name": "Ann", "email": "ann@example.org"}
    await eraser.empty("user", "u1")
    await tenant.record(event("UserChanged", "u1", 3, phone="3"))
    async with snapshot(pool, tenant.name) as at:
        (erased,), _ = await feed.page(at, query, position, 100)
    assert (erased.body["key"], erased.body["state"], [*filter(None, erased.body["data"].values())]) == (
        "u1",
        "live",
        [],
    )


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type": "PersonMerged", "subject": "anne", "data": {"survivor": "anne", "losers": ["ann"]}}',
        b'{"type": "PersonUnmerged", "subject": "anne", "data": {"survivor": "anne", "losers": [1, "ann"]}}',
        b'{"type": "PersonChanged", "subject": "ann", "data": {"name": 1}}',
    ],
)
def test_a_quarantined_event_about_an_entity_or_its_merges_is_found(raw: bytes) -> None:
    type = raw.split(b'"')[3].decode()
    assert names(CATALOG, "person", "ann", type, raw)
    assert not names(CATALOG, "person", "an", type, raw)
    assert not names(CATALOG, "user", "ann", type, raw)


async def test_what_receivers_have_said_goes_with_any_erasure(
    tenant: StoreTenant, eraser: Eraser, pool: Pool, catalog: Catalog
) -> None:
    await subscribe(pool, tenant.name, "shop", {"kind": "user"})
    shop = Subscriber(pool, catalog, tenant.name)
    shop.receivers.answer[shop.host] = lambda *_: httpx2.Response(500, text="no room for Ann")
    await tenant.record(event("UserCreated", "u1", 1, name="Ann", email="ann@example.org"))
    await shop.run()
    await tenant.record(event("UserCreated", "u2", 1, name="Bob", email="bob@example.org"))
    await shop.run()
    await shop.run()
    words = {"delivery_attempts.words", "undelivered.words", "webhooks.reason"}
    assert words <= {*await canaries.find(pool, "no room for Ann")}
    erased = await eraser.erase("user", "u1")
    assert await canaries.find(pool, "Ann") == []
    assert {"delivery_attempts", "undelivered", "webhooks"} <= erased.rows.keys()
    assert (await shop.webhook()).reason == "answered 500"
