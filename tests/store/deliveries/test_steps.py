"""Steps of the deliveries to one consumer, on real tables and a fake wire."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from catalog.catalog import Catalog
from errors import Conflict, Unknown
from store.consumers import registrations
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.deliveries import commands, webhooks
from store.deliveries.runs import ATTEMPTS, PAUSES, Runs
from store.read import feed, feed_events, feed_query
from store.read.feed_offsets import BEGINNING
from tests.support.delivered_facts import add, broken, facts_published
from tests.support.receivers import OTHER_SECRET, SECRET, refusing
from tests.support.subscribers import Subscriber, subscribe
from tests.support.tenants import StoreTenant


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
    (_, parked), (name, data) = await facts_published(pool, tenant)
    assert (name, data) == ("DeliveryDropped.v1", {"consumer": "shop", "item": parked["item"]})


async def test_delivered_event_is_that_of_the_feed(
    pool: Pool, catalog: Catalog, tenant: StoreTenant, shop: Subscriber
) -> None:
    await add(tenant, "c1")
    await shop.run()
    (found,) = shop.receivers.accepted[shop.host]
    async with snapshot(pool, tenant.name) as at:
        (item,), _ = await feed.page(at, feed_query.query_for(catalog, kind="category"), BEGINNING, 10)
    assert found == orjson.loads(orjson.dumps(feed_events.event(tenant.name, item), option=orjson.OPT_UTC_Z))


async def test_item_behind_many_that_its_filter_excludes_is_found_again(
    pool: Pool, tenant: StoreTenant, shop: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribe(pool, tenant.name, "shop", {"kind": "category", "filters": '[{"prefix": {"subject": "z"}}]'})
    shop.receivers.answer[shop.host] = refusing("z1")
    await add(tenant, "a1", "a2", "a3", "z1", "z2")
    await shop.run()
    shop.receivers.answer.clear()
    monkeypatch.setattr(feed, "SECONDS", 0.0)
    monkeypatch.setattr(feed, "CHUNK", 1)
    await shop.finish()
    assert (shop.subjects, await shop.undelivered()) == (["z2", "z1"], [])


async def test_item_discarded_while_a_page_is_sent_holds_nothing_back(
    pool: Pool, tenant: StoreTenant, shop: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.receivers.answer[shop.host] = refusing("c1")
    await add(tenant, "c1", "c2")
    await shop.finish()
    await add(tenant, "c1", sequence=2)
    shop.receivers.answer.clear()
    held = Runs.held

    async def then_discard(runs: Runs, subjects: Sequence[str]) -> set[str]:
        found = await held(runs, subjects)
        assert await commands.discard(pool, tenant.name, "shop", None) == 1
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Runs, "held", then_discard)
        await shop.step()
    await shop.run()
    assert (shop.subjects, await shop.undelivered()) == (["c2", "c1"], [])
