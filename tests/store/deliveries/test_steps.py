"""Steps of the deliveries to one consumer, on real tables and a fake wire."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from catalog.catalog import Catalog
from errors import Conflict, Unknown
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.deliveries import commands, webhooks
from store.deliveries.runs import ATTEMPTS, PAUSES
from store.read import feed, feed_events, feed_query
from store.read.feed_offsets import BEGINNING
from tests.support.events import event
from tests.support.receivers import OTHER_SECRET, SECRET, refusing
from tests.support.subscribers import Subscriber, subscribe
from tests.support.tenants import StoreTenant, in_a_database


@pytest.fixture
async def shop(pool: Pool, catalog: Catalog, tenant: StoreTenant) -> Subscriber:
    """A consumer of categories, with a webhook that has consented."""
    await subscribe(pool, tenant.name, "shop", {"kind": "category"})
    return Subscriber(pool, catalog, tenant.name)


async def add(tenant: StoreTenant, *keys: str, sequence: int = 1) -> None:
    """Records a new version of each category, in one revision."""
    fact = "CategoryAdded" if sequence == 1 else "CategoryUpdated"
    await tenant.record(*(event(fact, key, sequence, name=f"{key}{sequence}") for key in keys))


def broken(_: httpx2.Request, events: list[dict[str, Any]]) -> httpx2.Response:
    return httpx2.Response(500, text="out of order")


def facts_of(found: list[dict[str, Any]], type: str) -> list[dict[str, Any]]:
    return [e for e in found if e["type"] == type]


async def facts_published(pool: Pool, tenant: StoreTenant) -> list[tuple[str, dict[str, Any]]]:
    rows = await pool.fetch(
        "select type, data from facts where tenant = $1 and source = '/tether' order by position", tenant.name
    )
    return [(row["type"], orjson.loads(row["data"]) if isinstance(row["data"], str) else row["data"]) for row in rows]


async def test_items_are_delivered_in_order_and_the_position_follows(tenant: StoreTenant, shop: Subscriber) -> None:
    await add(tenant, "c1", "c2")
    await add(tenant, "c1", sequence=2)
    left = await shop.run()
    assert left.next is None
    assert shop.subjects == ["c1", "c2", "c1"]
    assert shop.ids == sorted(shop.ids)
    (message,) = shop.receivers.messages
    assert message[1] == shop.ids[-1]
    (request,) = shop.receivers.requests
    assert request.headers["content-type"] == "application/cloudevents-batch+json"
    Webhook(SECRET).verify(request.content, dict(request.headers))
    assert not await shop.step()


async def test_message_holds_at_most_the_batch(pool: Pool, tenant: StoreTenant, shop: Subscriber) -> None:
    await subscribe(pool, tenant.name, "shop", {"kind": "category"}, batch=2)
    await add(tenant, "c1", "c2", "c3", "c4", "c5")
    await shop.run()
    assert [len(events) for _, _, events in shop.receivers.messages] == [2, 2, 1]


async def test_consent_is_requested_before_the_first_delivery(
    pool: Pool, tenant: StoreTenant, catalog: Catalog
) -> None:
    await subscribe(pool, tenant.name, "shop", {"kind": "category"}, consent=True)
    shop = Subscriber(pool, catalog, tenant.name)
    await add(tenant, "c1")
    await shop.run()
    assert (shop.receivers.consents, shop.subjects) == ([shop.host], ["c1"])
    await add(tenant, "c2")
    await shop.run()
    assert (shop.receivers.consents, shop.subjects) == ([shop.host], ["c1", "c2"])


async def test_poison_item_is_retried_then_parked_and_others_go_on(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = refusing("c2")
    await add(tenant, "c1", "c2", "c3")
    await add(tenant, "c2", "c3", sequence=2)
    left = await shop.run()
    assert shop.subjects == ["c1", "c3", "c3"]
    assert [(i.subject, i.state) for i in await shop.undelivered()] == [("c2", "failing"), ("c2", "behind")]
    pauses = []
    while left.next is not None:
        pauses.append(round((left.next - left.now).total_seconds()))
        await shop.forward(left.next - left.now)
        left = await shop.run()
    assert pauses == [pause.total_seconds() for pause in PAUSES]
    first, second = await shop.undelivered()
    assert (first.state, first.failures, first.status, first.words) == ("parked", ATTEMPTS, 500, "does not fit")
    assert second.state == "behind"
    (fact,) = await facts_published(pool, tenant)
    assert fact[0] == "DeliveryParked.v1"
    assert fact[1] == {"consumer": "shop", "item": first.item, "attempts": ATTEMPTS, "status": 500}
    assert (await shop.webhook()).state == "active"


async def test_redriven_item_is_delivered_and_those_behind_it_follow(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = refusing("c1")
    await add(tenant, "c1", "c2")
    await shop.finish()
    await add(tenant, "c1", sequence=2)
    await add(tenant, "c1", sequence=3)
    await shop.run()
    assert shop.subjects == ["c2"]
    del shop.receivers.answer[shop.host]
    assert await commands.redrive(pool, tenant.name, "shop", None) == 1
    await shop.run()
    assert shop.subjects == ["c2", "c1", "c1", "c1"]
    assert shop.ids[1:] == sorted(shop.ids[1:])
    assert await shop.undelivered() == []


async def test_discarded_item_lets_those_behind_it_follow(pool: Pool, tenant: StoreTenant, shop: Subscriber) -> None:
    shop.receivers.answer[shop.host] = refusing("c1")
    await add(tenant, "c1", "c2")
    await add(tenant, "c1", sequence=2)
    await shop.finish()
    del shop.receivers.answer[shop.host]
    parked, _ = await shop.undelivered()
    assert await commands.discard(pool, tenant.name, "shop", [parked.item]) == 1
    await shop.run()
    assert shop.subjects == ["c2", "c1"]
    assert parked.item not in shop.ids
    with pytest.raises(Unknown):
        await commands.discard(pool, tenant.name, "shop", [parked.item])


async def test_aborted_item_is_dropped_and_the_rest_is_delivered(tenant: StoreTenant, shop: Subscriber) -> None:
    shop.receivers.answer[shop.host] = refusing("c2", status=422, **{"webhook-delivery": "abort-message"})
    await add(tenant, "c1", "c2", "c3")
    assert (await shop.run()).next is None
    assert shop.subjects == ["c1", "c3"]
    assert await shop.undelivered() == []


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


async def test_rotation_signs_with_both_secrets_for_the_grace_period(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    await webhooks.rotate(pool, tenant.name, "shop", OTHER_SECRET, timedelta(hours=1))
    await add(tenant, "c1")
    await shop.run()
    await shop.forward(timedelta(hours=2))
    await add(tenant, "c2")
    await shop.run()
    during, after = shop.receivers.requests
    Webhook(OTHER_SECRET).verify(during.content, dict(during.headers))
    Webhook(SECRET).verify(during.content, dict(during.headers))
    Webhook(OTHER_SECRET).verify(after.content, dict(after.headers))
    assert len(after.headers["webhook-signature"].split()) == 1


async def test_resent_item_is_delivered_once_more_by_the_same_id(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    await add(tenant, "c1", "c2", "c3")
    await shop.run()
    await commands.resend(pool, tenant.name, "shop", shop.ids[1])
    assert (await shop.run()).next is None
    assert shop.subjects == ["c1", "c2", "c3", "c2"]
    assert shop.ids[3] == shop.ids[1]
    assert shop.receivers.accepted[shop.host][3] == shop.receivers.accepted[shop.host][1]


async def test_item_that_is_not_delivered_yet_cannot_be_resent(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = broken
    await add(tenant, "c1", "c2")
    await shop.run()
    with pytest.raises(Conflict):
        await commands.resend(pool, tenant.name, "shop", shop.receivers.messages[0][1])


async def test_last_attempts_hold_the_answers_of_the_receiver(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = refusing("c2", status=409)
    await add(tenant, "c1", "c2")
    await shop.run()
    found = await commands.attempts(pool, tenant.name, "shop")
    assert [(a.items, a.outcome, a.status, a.words) for a in reversed(found)] == [
        (2, "failed", 409, "does not fit"),
        (1, "delivered", 200, ""),
        (1, "failed", 409, "does not fit"),
    ]
    await shop.finish()
    for n in range(60):
        await add(tenant, f"d{n}")
        await shop.run()
    found = await commands.attempts(pool, tenant.name, "shop")
    assert [a.number for a in found] == list(range(found[0].number, found[0].number - 50, -1))


async def test_position_that_was_set_back_meanwhile_is_not_overwritten(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    from store.consumers import registrations

    await add(tenant, "c1", "c2")
    look = await shop.runs.look()
    assert look is not None
    await shop.run()
    await registrations.begin_generation(pool, tenant.name, "shop", "test", "-1")
    await shop._delivering.step(look)
    assert (await registrations.find(pool, tenant.name, "shop")).position_revision <= 1
    await shop.run()
    assert shop.ids == shop.ids[:2] * 3


async def test_revision_at_a_time_is_the_last_one_before_it(pool: Pool, tenant: StoreTenant) -> None:
    await add(tenant, "c1")
    await add(tenant, "c2")
    rows = await pool.fetch("select revision, at from revisions where tenant = $1 order by revision", tenant.name)
    assert await commands.revision_at(pool, tenant.name, rows[0]["at"]) == rows[0]["revision"] - 1
    assert await commands.revision_at(pool, tenant.name, rows[1]["at"]) == rows[0]["revision"]
    assert await commands.revision_at(pool, tenant.name, datetime(2100, 1, 1, tzinfo=UTC)) == rows[1]["revision"]


@settings(in_a_database, max_examples=25)
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


async def test_item_that_is_not_kept_any_more_is_dropped_and_others_go_on(
    pool: Pool, tenant: StoreTenant, shop: Subscriber
) -> None:
    shop.receivers.answer[shop.host] = refusing("c1")
    await add(tenant, "c1", "c2")
    await add(tenant, "c3")
    await shop.finish()
    await pool.execute(
        "insert into horizons (tenant, revision, at) select tenant, revision, at from revisions where tenant = $1"
        " order by revision desc limit 1",
        tenant.name,
    )
    await commands.redrive(pool, tenant.name, "shop", None)
    await shop.finish()
    assert (await shop.undelivered(), (await shop.webhook()).state) == ([], "active")
    newest = (await commands.attempts(pool, tenant.name, "shop"))[0]
    assert (newest.outcome, newest.words) == ("dropped", "the feed does not have it any more")


async def test_delivered_event_is_that_of_the_feed(
    pool: Pool, catalog: Catalog, tenant: StoreTenant, shop: Subscriber
) -> None:
    await add(tenant, "c1")
    await shop.run()
    (found,) = shop.receivers.accepted[shop.host]
    async with snapshot(pool, tenant.name) as at:
        (item,), _ = await feed.page(at, feed_query.query_for(catalog, kind="category"), BEGINNING, 10)
    assert found == orjson.loads(orjson.dumps(feed_events.event(tenant.name, item), option=orjson.OPT_UTC_Z))
