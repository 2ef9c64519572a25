"""Webhooks over HTTP: set, shown without their secrets, and what operators do with deliveries."""

from typing import Any

import orjson
import pytest

from catalog.catalog import Catalog
from store.db.pool import Pool
from tests.support.events import event
from tests.support.posting import ApiCaller, ApiResponse
from tests.support.receivers import OTHER_SECRET, SECRET, refusing
from tests.support.recording import TENANT, FactRecorder
from tests.support.subscribers import Subscriber

CONSUMER = "/v1/consumers/shop"
WEBHOOK = f"{CONSUMER}/webhook"
URL = "https://shop.example/hook"


async def put(caller: ApiCaller, **body: Any) -> ApiResponse:
    return await caller.ask("PUT", WEBHOOK, json={"url": URL, "consent": False, **body})


async def post(caller: ApiCaller, path: str, **body: Any) -> ApiResponse:
    return await caller.ask("POST", f"{CONSUMER}/{path}", json=body)


@pytest.fixture
async def shop(caller: ApiCaller, pool: Pool, catalog: Catalog) -> Subscriber:
    """A consumer of categories with a webhook that was set over HTTP."""
    assert (await caller.ask("PUT", CONSUMER, json={"filter": {"kind": "category"}})).status == 201
    assert (await put(caller, secret=SECRET)).status == 201
    return Subscriber(pool, catalog, TENANT)


async def add(facts: FactRecorder, *keys: str) -> None:
    for key in keys:
        await facts.record(event("CategoryAdded", key, 1, name=key))


async def test_webhook_needs_a_consumer_and_shows_a_secret_once(caller: ApiCaller) -> None:
    assert (await put(caller)).status == 404
    await caller.ask("PUT", CONSUMER)
    created = await put(caller)
    assert (created.status, created.headers["location"]) == (201, WEBHOOK)
    secret = created.content["secret"]
    assert secret.startswith("whsec_")
    again = await put(caller, batch=7)
    assert (again.status, again.content["secret"], again.content["batch"]) == (200, None, 7)
    shown = await caller.ask("GET", WEBHOOK)
    assert "secret" not in shown.content
    assert secret not in orjson.dumps(shown.content).decode()


async def test_secret_that_the_caller_gives_is_not_shown(shop: Subscriber, caller: ApiCaller, pool: Pool) -> None:
    rotated = await post(caller, "webhook/secrets", secret=OTHER_SECRET)
    assert (rotated.status, rotated.content["secret"]) == (201, None)
    assert rotated.content["former_secret_until"] is not None
    row = await pool.fetchrow("select secret, former_secret from webhooks")
    assert row is not None
    assert tuple(row) == (OTHER_SECRET, SECRET)
    made = await post(caller, "webhook/secrets", grace_seconds=0)
    assert made.content["secret"].startswith("whsec_")
    assert made.content["former_secret_until"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://shop.example/"},
        {"url": "https://127.0.0.1/"},
        {"url": "https://user@shop.example/"},
        {"secret": "short"},
        {"batch": 0},
        {"batch": 5000},
        {"more": 1},
    ],
)
async def test_webhook_that_cannot_be_used_is_refused(caller: ApiCaller, body: dict[str, Any]) -> None:
    await caller.ask("PUT", CONSUMER)
    refused = await put(caller, **body)
    assert refused.status in (400, 422)
    assert "short" not in orjson.dumps(refused.content).decode()


async def test_parked_items_are_listed_redriven_and_discarded(
    shop: Subscriber, caller: ApiCaller, facts: FactRecorder
) -> None:
    shop.receivers.answer[shop.host] = refusing("c1", "c3")
    await add(facts, "c1", "c2", "c3")
    await shop.finish()
    found = (await caller.ask("GET", f"{CONSUMER}/deliveries")).content["items"]
    assert [(i["subject"], i["state"], i["status"]) for i in found] == [("c1", "parked", 500), ("c3", "parked", 500)]
    page = (await caller.ask("GET", f"{CONSUMER}/deliveries?limit=1")).content
    rest = (await caller.ask("GET", f"{CONSUMER}/deliveries?limit=1&cursor={page['next']}")).content
    assert page["items"] + rest["items"] == found
    assert (await caller.ask("GET", WEBHOOK)).content["parked"] == 2
    shop.receivers.answer.clear()
    assert (await post(caller, "deliveries/discard", items=[found[0]["item"]])).content == {"items": 1}
    assert (await post(caller, "deliveries/redrive")).content == {"items": 1}
    await shop.finish()
    assert shop.subjects == ["c2", "c3"]
    assert (await post(caller, "deliveries/redrive", items=[found[0]["item"]])).status == 404
    attempts = (await caller.ask("GET", f"{CONSUMER}/attempts")).content["items"]
    assert (attempts[0]["outcome"], attempts[0]["status"], attempts[0]["last_item"]) == (
        "delivered", 200, found[1]["item"],
    )  # fmt: skip


async def test_replay_begins_at_an_offset_or_a_time(
    shop: Subscriber, caller: ApiCaller, facts: FactRecorder, pool: Pool
) -> None:
    await add(facts, "c1", "c2", "c3")
    await shop.finish()
    assert (await post(caller, "replays", offset="-1")).status == 202
    await shop.finish()
    assert shop.ids == shop.ids[:3] * 2
    second = await pool.fetchval(
        "select at from revisions where tenant = $1 order by revision offset 1 limit 1", TENANT
    )
    assert (await post(caller, "replays", since=second.isoformat())).status == 202
    await shop.finish()
    assert shop.subjects[6:] == ["c2", "c3"]
    assert (await post(caller, "replays")).status == 400
    assert (await post(caller, "replays", offset="-1", since=second.isoformat())).status == 400
    assert (await post(caller, "replays", offset="nonsense")).status == 400


async def test_item_is_resent_and_nonsense_is_refused(shop: Subscriber, caller: ApiCaller, facts: FactRecorder) -> None:
    await add(facts, "c1", "c2")
    await shop.finish()
    assert (await post(caller, "resends", item=shop.ids[0])).status == 202
    await shop.finish()
    assert shop.subjects == ["c1", "c2", "c1"]
    assert (await post(caller, "resends", item="nonsense")).status == 400


async def test_disabled_webhook_is_enabled(shop: Subscriber, caller: ApiCaller, facts: FactRecorder) -> None:
    shop.receivers.answer[shop.host] = refusing("c1", status=410)
    await add(facts, "c1")
    await shop.finish()
    shown = (await caller.ask("GET", WEBHOOK)).content
    assert (shown["state"], "410" in shown["reason"]) == ("disabled", True)
    shop.receivers.answer.clear()
    assert (await caller.ask("POST", f"{WEBHOOK}/enable")).content["state"] == "active"
    await shop.finish()
    assert shop.subjects == ["c1"]


async def test_deleted_webhook_leaves_the_consumer(shop: Subscriber, caller: ApiCaller) -> None:
    assert (await caller.ask("DELETE", WEBHOOK)).status == 204
    assert (await caller.ask("GET", WEBHOOK)).status == 404
    assert (await caller.ask("GET", CONSUMER)).status == 200
    for path in ("deliveries/redrive", "webhook/enable", "webhook/secrets"):
        assert (await post(caller, path)).status == 404
