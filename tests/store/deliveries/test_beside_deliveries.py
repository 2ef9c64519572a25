"""What happens beside a delivery: other items are due, its URL, consumer or database changes."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from catalog.catalog import Catalog
from errors import Unavailable
from store.consumers import notices, registrations
from store.consumers.registrations import Registration
from store.db import epochs
from store.db.pool import Pool
from store.deliveries import commands, webhooks
from store.deliveries.runs import Failure, ReceiverAttempt
from store.write import tenant_lock
from tests.support.delivered_facts import add
from tests.support.receivers import refusing
from tests.support.subscribers import Subscriber
from tests.support.tenants import StoreTenant

ATTEMPT = ReceiverAttempt("", "", 0, "failed", 500, "", 0)


async def test_pages_and_items_to_retry_take_turns(pool: Pool, tenant: StoreTenant, shop: Subscriber) -> None:
    shop.receivers.answer[shop.host] = refusing("c1", "c2")
    await add(tenant, "c1", "c2", "c3")
    await shop.run()
    shop.receivers.messages.clear()
    await pool.execute("update undelivered set due = clock_timestamp()")
    for key in ("d1", "d2"):
        await add(tenant, key)
        await shop.step()
        await shop.step()
    assert [events[0]["subject"] for _, _, events in shop.receivers.messages] == ["c1", "d1", "c2", "d2"]


async def test_answer_of_a_former_url_says_nothing_of_the_present_one(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    await add(tenant, "c1")
    look = await shop.runs.look()
    assert look is not None
    await pool.execute("update webhooks set url = url || '/other', consented = false")
    await shop.runs.consented(look, ATTEMPT)
    await shop.runs.failed(look, Failure("broken", several=True))
    await shop.runs.disable(look, "gone")
    webhook = await shop.webhook()
    assert (webhook.consented, webhook.state, webhook.retry_at) == (False, "active", None)


async def test_restore_disables_the_deliveries_until_they_are_replayed(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    await add(tenant, "c1")
    await shop.run()
    async with pool.acquire() as conn:
        await epochs.begin_everywhere(conn, "a test")
    await add(tenant, "c2")
    await shop.run()
    webhook = await shop.webhook()
    assert (webhook.state, "restored from a backup" in webhook.reason, shop.subjects) == ("disabled", True, ["c1"])
    await commands.replay(pool, tenant.name, "shop", "test", "now")
    await webhooks.enable(pool, tenant.name, "shop")
    await add(tenant, "c3")
    await shop.run()
    assert shop.subjects == ["c1", "c3"]


@pytest.mark.parametrize("other", ["delete", "register", "notify"])
async def test_locks_of_a_webhook_and_of_its_tenant_are_taken_in_one_order(
    pool: Pool, tenant: StoreTenant, shop: Subscriber, catalog: Catalog, other: str
) -> None:
    shop.receivers.answer[shop.host] = refusing("c1")
    await add(tenant, "c1", "c2")
    await shop.run()
    (failing,) = await shop.undelivered()
    await pool.execute("update undelivered set failures = 7")  # so that it is parked next, which is a fact
    await pool.execute("update consumers set at_risk_seconds = 0, position_revision = 1")
    await pool.execute("update revisions set at = at - interval '1 hour'")
    again = Registration({}, "now", 9, "")
    beside: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "delete": lambda: registrations.delete(pool, tenant.name, "shop"),
        "register": lambda: registrations.register(pool, tenant.name, "shop", again, "test"),
        "notify": lambda: notices.publish(pool, catalog),
    }
    async with pool.acquire() as conn, conn.transaction():
        await tenant_lock.lock(conn, tenant.name)
        parking = asyncio.create_task(shop.runs.item_failed(failing.item, ATTEMPT, 0.0))
        changing = asyncio.create_task(beside[other]())
        await asyncio.wait([parking, changing], timeout=0.3)
    ends = await asyncio.gather(parking, changing, return_exceptions=True)
    assert not any(isinstance(end, Unavailable) for end in ends)  # the victim of a deadlock
