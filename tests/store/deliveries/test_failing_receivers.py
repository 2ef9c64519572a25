"""Receivers that fail: what is retried and when, what is parked, and when deliveries are disabled."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.catalog import Catalog
from store.db.pool import Pool
from store.deliveries import commands, webhooks
from tests.support.delivered_facts import add, broken, facts_published
from tests.support.events import event
from tests.support.receivers import refusing
from tests.support.sampling import examples
from tests.support.subscribers import Subscriber, subscribe
from tests.support.tenants import StoreTenant, in_a_database


async def test_gone_disables_the_deliveries_until_they_are_enabled(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = lambda *_: httpx2.Response(410, text="moved away")
    await add(tenant, "c1")
    assert (await shop.run()).next is None
    row = await shop.webhook()
    assert (row.state, row.reason) == ("disabled", "the receiver wants no more deliveries: answered 410: moved away")
    (fact,) = await facts_published(pool, tenant)
    assert fact == ("DeliveryDisabled.v1", {"consumer": "shop", "reason": "the receiver wants no more deliveries"})
    assert len(shop.receivers.messages) == 1
    del shop.receivers.answer[shop.host]
    await webhooks.enable(pool, tenant.name, "shop")
    await shop.run()
    assert shop.subjects == ["c1"]


async def test_retry_after_is_honoured_where_it_is_longer(tenant: StoreTenant, shop: Subscriber) -> None:
    shop.receivers.answer[shop.host] = lambda *_: httpx2.Response(429, headers={"retry-after": "120"})
    await add(tenant, "c1")
    left = await shop.run()
    assert left.next is not None
    assert 119 < (left.next - left.now).total_seconds() <= 120


async def test_receiver_that_fails_at_everything_is_left_alone_ever_longer(
    tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = broken
    await add(tenant, *(f"c{n}" for n in range(20)))
    left = await shop.run()
    pauses = []
    for _ in range(4):
        assert left.next is not None
        pauses.append(round((left.next - left.now).total_seconds()))
        await shop.forward(left.next - left.now)
        before = len(shop.receivers.messages)
        left = await shop.run()
        assert len(shop.receivers.messages) - before < 12
    assert pauses == [5, 300, 1800, 7200]
    assert await shop.undelivered() == []
    del shop.receivers.answer[shop.host]
    await shop.finish()
    assert shop.subjects == sorted(shop.subjects)
    assert len(shop.subjects) == 20
    assert (await shop.webhook()).failures == 0


async def test_receiver_that_fails_for_days_at_several_items_is_disabled(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = broken
    await add(tenant, "c1", "c2", "c3")
    await shop.finish()
    row = await shop.webhook()
    assert (row.state, row.reason) == ("disabled", "it has failed for 5 days: answered 500: out of order")
    assert [type for type, _ in await facts_published(pool, tenant)] == ["DeliveryDisabled.v1"]
    del shop.receivers.answer[shop.host]
    await webhooks.enable(pool, tenant.name, "shop")
    await shop.finish()
    assert sorted(shop.subjects) == ["c1", "c2", "c3"]


async def test_single_item_that_fails_for_days_is_parked_and_nothing_disabled(
    tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = refusing("c1")
    await add(tenant, "c1")
    await shop.finish()
    assert [(i.subject, i.state) for i in await shop.undelivered()] == [("c1", "parked")]
    await add(tenant, "c2")
    await shop.run()
    assert (shop.subjects, (await shop.webhook()).state) == (["c2"], "active")


async def test_items_that_came_one_by_one_show_that_the_receiver_fails(tenant: StoreTenant, shop: Subscriber) -> None:
    shop.receivers.answer[shop.host] = broken
    for key in ("c1", "c2", "c3"):
        await add(tenant, key)
        await shop.run()
    assert [i.subject for i in await shop.undelivered()] == ["c1"]  # the second one shows that it is not to blame
    assert (await shop.webhook()).failures == 1
    del shop.receivers.answer[shop.host]
    await shop.forward(timedelta(seconds=6))
    assert (await shop.run()).next is None
    assert sorted(shop.subjects) == ["c1", "c2", "c3"]


@settings(in_a_database, max_examples=examples(8))
@given(
    batches=st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True), min_size=1, max_size=6),
    batch=st.integers(1, 5),
    failures=st.lists(st.sampled_from([200, 200, 500, 503, 400, 413]), max_size=30),
    poison=st.sampled_from([None, None, "a", "b"]),
)
async def test_every_subject_arrives_in_order_and_whole_whatever_fails(
    pool: Pool, catalog: Catalog, batches: list[list[str]], batch: int, failures: list[int], poison: str | None
) -> None:
    tenant = StoreTenant(pool).other_tenant()
    shop = Subscriber(pool, catalog, tenant.name)
    await subscribe(pool, tenant.name, "shop", {"kind": "category"}, batch=batch)
    left = iter(failures)

    def answer(_: httpx2.Request, events: list[dict[str, Any]]) -> httpx2.Response:
        if any(e["subject"] == poison for e in events):
            return httpx2.Response(500)
        return httpx2.Response(next(left, 200))

    shop.receivers.answer[shop.host] = answer
    versions: dict[str, int] = defaultdict(int)
    for keys in batches:
        for key in keys:
            versions[key] += 1
        await tenant.record(
            *(
                event("CategoryAdded" if versions[k] == 1 else "CategoryUpdated", k, versions[k], name=str(versions[k]))
                for k in keys
            )
        )
        await shop.run()
    await shop.finish()
    if (await shop.webhook()).state == "disabled":
        shop.receivers.answer[shop.host] = lambda *_: None
        await webhooks.enable(pool, tenant.name, "shop")
        await shop.finish()
    shop.receivers.answer.clear()
    await commands.redrive(pool, tenant.name, "shop", None)
    await shop.finish()
    arrived: dict[str, list[str]] = defaultdict(list)
    for found in shop.receivers.accepted[shop.host]:
        arrived[found["subject"]].append(found["data"]["data"]["name"])
    assert {key: list(dict.fromkeys(names)) for key, names in arrived.items()} == {
        key: [str(n) for n in range(1, count + 1)] for key, count in versions.items()
    }
    assert all(names == sorted(names, key=int) for names in arrived.values())


async def test_receiver_that_cannot_be_connected_to_is_disabled_after_days(
    tenant: StoreTenant, shop: Subscriber
) -> None:
    def unreachable(*_: Any) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    shop.receivers.answer[shop.host] = unreachable
    await add(tenant, "c1")
    await shop.finish()
    assert (await shop.webhook()).state == "disabled"
    assert await shop.undelivered() == []


async def test_another_url_is_not_given_up_for_failures_of_the_former(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = broken
    await add(tenant, "c1", "c2", "c3")
    await shop.finish()
    assert (await shop.webhook()).state == "disabled"
    shop.receivers.answer["other.example"] = broken
    row, _ = await webhooks.put(
        pool,
        tenant.name,
        "shop",
        url="https://other.example/hook",
        secret="",
        keep_secret=True,
        batch=100,
        consented=True,
        actor="test",
    )
    assert (row.state, row.failing_since) == ("active", None)
    await shop.run()
    assert ((await shop.webhook()).state, (await shop.webhook()).failures) == ("active", 1)
