"""Workflows that deliver the feed to webhooks: when there is one, what it waits for, and that none delays another."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx2

from messages.workflow_ids import Subject
from store.consumers import registrations
from store.deliveries import webhooks
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.receivers import SECRET
from tests.support.subscribers import subscribe

CATEGORIES = {"kind": "category"}


def subject(harness: Harness, consumer: str) -> Subject:
    return harness.subject("delivery", "webhook", consumer)


async def add(harness: Harness, *keys: str) -> None:
    await harness.record(*(event("CategoryAdded", key, name=key) for key in keys))


async def wait_for_subjects(harness: Harness, host: str, *subjects: str) -> None:
    """Waits until a receiver has accepted events with these subjects, and no others."""

    async def there() -> bool:
        return harness.receivers.subjects(host) == list(subjects)

    await eventually(there)


async def wait_for_failures(harness: Harness, consumer: str, count: int) -> None:
    async def there() -> bool:
        return (await webhooks.find(harness.pool, harness.tenant, consumer)).failures >= count

    await eventually(there)


def broken(_: httpx2.Request, events: list[dict[str, Any]]) -> httpx2.Response:
    return httpx2.Response(500, text="out of order")


async def test_workflow_delivers_and_ends_when_all_is_delivered(running_harness: Harness) -> None:
    harness = running_harness
    await subscribe(harness.pool, harness.tenant, "shop", CATEGORIES, consent=True)
    await add(harness, "c1", "c2")
    await wait_for_subjects(harness, "shop.example", "c1", "c2")
    assert harness.receivers.consents == ["shop.example"]
    await harness.wait_for_workflow_end(subject(harness, "shop"))
    assert await harness.count_rows("outbox") == 0
    await add(harness, "c3")
    await wait_for_subjects(harness, "shop.example", "c1", "c2", "c3")
    await harness.wait_for_workflow_end(subject(harness, "shop"))


async def test_receiver_that_fails_for_an_hour_delays_no_other(running_harness: Harness) -> None:
    harness = running_harness
    harness.receivers.answer["dead.example"] = broken
    for name in ("dead", "shop"):
        await subscribe(harness.pool, harness.tenant, name, CATEGORIES)
    await add(harness, "c1", "c2")
    await wait_for_subjects(harness, "shop.example", "c1", "c2")
    await wait_for_failures(harness, "dead", 1)
    for failures, minutes in ((2, 1), (3, 6), (4, 53)):
        await harness.fast_forward(subject(harness, "dead"), timedelta(minutes=minutes))
        await wait_for_failures(harness, "dead", failures)
        key = f"d{failures}"
        began = asyncio.get_running_loop().time()
        await add(harness, key)
        await eventually(lambda key=key: _accepted(harness, "shop.example", key))  # type: ignore[misc]
        assert asyncio.get_running_loop().time() - began < 10
    description = (await harness.workflow(subject(harness, "dead")).query("progress"))["description"]
    assert "4 failed attempts" in description
    assert "out of order" in description
    del harness.receivers.answer["dead.example"]
    await harness.fast_forward(subject(harness, "dead"), timedelta(hours=3))
    await wait_for_subjects(harness, "dead.example", "c1", "c2", "d2", "d3", "d4")


async def _accepted(harness: Harness, host: str, key: str) -> bool:
    return key in harness.receivers.subjects(host)


async def test_enabling_wakes_a_workflow_that_waits_for_hours(running_harness: Harness) -> None:
    harness = running_harness
    harness.receivers.answer["shop.example"] = broken
    await subscribe(harness.pool, harness.tenant, "shop", CATEGORIES)
    await add(harness, "c1", "c2")
    await wait_for_failures(harness, "shop", 1)
    await harness.fast_forward(subject(harness, "shop"), timedelta(seconds=6))
    await wait_for_failures(harness, "shop", 2)
    del harness.receivers.answer["shop.example"]
    await webhooks.enable(harness.pool, harness.tenant, "shop")
    await wait_for_subjects(harness, "shop.example", "c1", "c2")


async def test_lost_workflow_is_started_again_from_the_rows(running_harness: Harness) -> None:
    harness = running_harness
    harness.receivers.answer["shop.example"] = broken
    await subscribe(harness.pool, harness.tenant, "shop", CATEGORIES)
    await add(harness, "c1", "c2")
    await wait_for_failures(harness, "shop", 1)
    await harness.workflow(subject(harness, "shop")).terminate("lost")
    harness.receivers.answer.clear()
    await harness.pool.execute(
        "update outbox set dispatched_at = now() - interval '2 hours' where tenant = $1", harness.tenant
    )
    await harness.dispatcher.check()
    await wait_for_subjects(harness, "shop.example", "c1", "c2")


async def test_no_history_holds_a_secret(running_harness: Harness) -> None:
    harness = running_harness
    await subscribe(harness.pool, harness.tenant, "shop", CATEGORIES)
    await add(harness, "c1")
    await wait_for_subjects(harness, "shop.example", "c1")
    history = (await harness.workflow(subject(harness, "shop")).fetch_history()).to_json()
    assert SECRET not in history
    assert "whsec" not in history


async def test_deleted_consumer_ends_its_workflow(running_harness: Harness) -> None:
    harness = running_harness
    harness.receivers.answer["shop.example"] = broken
    await subscribe(harness.pool, harness.tenant, "shop", CATEGORIES)
    await add(harness, "c1", "c2")
    await wait_for_failures(harness, "shop", 1)
    await registrations.delete(harness.pool, harness.tenant, "shop")
    await harness.fast_forward(subject(harness, "shop"), timedelta(hours=1))
    await harness.wait_for_workflow_end(subject(harness, "shop"))
    assert await harness.count_rows("outbox") == 0


async def test_receiver_that_is_gone_ends_its_workflow(running_harness: Harness) -> None:
    harness = running_harness
    harness.receivers.answer["shop.example"] = lambda *_: httpx2.Response(410)
    await subscribe(harness.pool, harness.tenant, "shop")
    await add(harness, "c1")
    (fact,) = await harness.wait_for_facts("DeliveryDisabled")
    assert fact["key"] == "shop"
    await harness.wait_for_workflow_end(subject(harness, "shop"))
    assert len(harness.receivers.messages) == 1
