"""Consumers over HTTP: registered, read, deleted, taken over, acknowledged, waited for."""

import asyncio
import json
from typing import Any

import pytest

from facts import tokens
from store.consumers import offsets
from store.db import credentials, epochs
from store.db.pool import Pool
from tests.support.events import event
from tests.support.posting import ApiCaller, ApiResponse
from tests.support.recording import TENANT, FactRecorder

PATH = "/v1/consumers/shopping"


async def put(caller: ApiCaller, path: str = PATH, **body: Any) -> ApiResponse:
    return await caller.ask("PUT", path, json=body)


async def acknowledge(caller: ApiCaller, offset: str, generation: int, **more: Any) -> ApiResponse:
    return await caller.ask(
        "POST", f"{PATH}/acknowledgements", json={"offset": offset, "generation": generation}, **more
    )


async def take_over(caller: ApiCaller, **body: Any) -> int:
    response = await caller.ask("POST", f"{PATH}/generations", json=body)
    assert (response.status, response.headers["location"]) == (201, PATH)
    return int(response.content["generation"])


async def record(facts: FactRecorder, n: int) -> str:
    """Records so many revisions; returns the token of the last."""
    revision = 0
    for key in range(n):
        revision = await facts.record(event("CategoryAdded", f"c{key}", 1, name="c"))
    return tokens.token(TENANT, revision)


def after(token: str) -> str:
    """The offset of the position after the revision of a token."""
    return offsets.read(TENANT, token).text


async def test_new_consumer_is_created_and_the_same_put_has_no_effect(caller: ApiCaller) -> None:
    created = await put(caller, filter={"kind": "category"}, offset="now", note="the shop")
    assert (created.status, created.headers["location"]) == (201, PATH)
    assert (created.content["state"], created.content["lag"]) == ("current", {"revisions": 0, "seconds": 0.0})
    again = await put(caller, filter={"kind": "category"}, offset="now", note="the shop")
    assert (again.status, again.content) == (200, created.content)
    assert (await caller.get("consumers/shopping", key="read")) == created.content
    assert (await caller.get("consumers", key="read"))["items"] == [created.content]


async def test_body_is_optional_and_a_consumer_starts_at_the_beginning(caller: ApiCaller, facts: FactRecorder) -> None:
    await record(facts, 3)
    found = (await caller.ask("PUT", PATH)).content
    assert (found["lag"]["revisions"], found["state"], found["starts_at"]) == (3, "behind", "-1")
    assert found["lag"]["seconds"] >= 0


async def test_acknowledgements_move_the_position_forward_only(caller: ApiCaller, facts: FactRecorder) -> None:
    newest = await record(facts, 3)
    older = tokens.token(TENANT, 1)
    generation = (await put(caller)).content["generation"]
    moved = await acknowledge(caller, newest, generation)
    assert (moved.status, moved.content["offset"]) == (200, after(newest))
    for offset in (newest, after(newest), older, after(older)):
        assert (await acknowledge(caller, offset, generation)).content == moved.content
    found = await caller.get("consumers/shopping")
    assert (found["state"], found["token"], found["lag"]["revisions"]) == ("current", newest, 0)
    assert found["acknowledged_at"] is not None


async def test_older_generation_is_refused_with_the_newer_one(caller: ApiCaller, facts: FactRecorder) -> None:
    newest = await record(facts, 2)
    first = (await put(caller)).content["generation"]
    second = await take_over(caller, holder="pod-2")
    refused = await acknowledge(caller, newest, first)
    assert (refused.status, refused.slug) == (409, "fenced")
    assert (refused.content["generation"], refused.content["holder"]) == (second, "pod-2")
    assert "POST /v1/consumers/shopping/generations" in refused.content["detail"]
    assert (await caller.get("consumers/shopping"))["lag"]["revisions"] == 2
    assert (await acknowledge(caller, newest, second)).status == 200
    assert (await acknowledge(caller, newest, second + 1)).slug == "fenced"


async def test_a_position_goes_back_only_with_a_new_generation(caller: ApiCaller, facts: FactRecorder) -> None:
    newest = await record(facts, 3)
    generation = (await put(caller, offset="-1")).content["generation"]
    await acknowledge(caller, newest, generation)
    again = (await put(caller, offset="-1")).content
    assert (again["offset"], again["generation"]) == (after(newest), generation)
    moved = (await put(caller, offset=tokens.token(TENANT, 1))).content
    assert (moved["lag"]["revisions"], moved["generation"]) == (2, generation + 1)
    assert (await acknowledge(caller, newest, generation)).slug == "fenced"
    assert await take_over(caller, offset="-1") == generation + 2
    taken = await caller.get("consumers/shopping")
    assert taken["lag"]["revisions"] == 3
    await acknowledge(caller, newest, generation + 2)
    assert (await put(caller, offset=tokens.token(TENANT, 1))).content["lag"]["revisions"] == 0  # the same as before


async def test_changed_filter_begins_a_generation_and_a_changed_note_does_not(caller: ApiCaller) -> None:
    first = (await put(caller, filter={"kind": "item"})).content
    noted = (await put(caller, filter={"kind": "item"}, note="ours", at_risk_seconds=60)).content
    assert (noted["generation"], noted["note"], noted["at_risk_seconds"]) == (first["generation"], "ours", 60)
    filtered = (await put(caller, filter={"kind": "category"})).content
    assert (filtered["generation"], filtered["filter"]) == (first["generation"] + 1, {"kind": "category"})


async def test_generations_do_not_recur_after_a_deletion(caller: ApiCaller, facts: FactRecorder) -> None:
    newest = await record(facts, 1)
    former = (await put(caller)).content["generation"]
    assert (await caller.ask("DELETE", PATH)).status == 204
    assert (await acknowledge(caller, newest, former)).slug == "unknown"
    assert (await put(caller)).content["generation"] > former
    assert (await acknowledge(caller, newest, former)).slug == "fenced"


async def test_missing_consumer_is_unknown_and_the_message_says_the_mend(caller: ApiCaller) -> None:
    answers = [
        await caller.ask("GET", PATH),
        await caller.ask("DELETE", PATH),
        await caller.ask("POST", f"{PATH}/generations"),
        await acknowledge(caller, tokens.token(TENANT, 0), 1),
        await caller.ask("GET", "/v1/wait", params={"consumer": "shopping", "token": tokens.token(TENANT, 0)}),
    ]
    assert {(answer.status, answer.slug) for answer in answers} == {(404, "unknown")}
    assert all(
        "'shopping'" in a.content["detail"] and "PUT /v1/consumers/shopping" in a.content["detail"] for a in answers
    )


@pytest.mark.parametrize("name", ["a b", "-a", ".", "ä", "n" * 65])
async def test_names_that_need_encoding_or_are_too_long_are_refused(caller: ApiCaller, name: str) -> None:
    path = "/v1/consumers/%2E" if name == "." else f"/v1/consumers/{name}"
    assert (await put(caller, path)).status == 422


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"offset": "never"}, 400, "bad-token"),
        ({"offset": tokens.token("other", 0)}, 400, "bad-token"),
        ({"offset": tokens.token(TENANT, 7)}, 409, "not-yet"),
        ({"offset": tokens.token(TENANT, 2**63)}, 400, "bad-token"),
        ({"filter": {"kind": "nothing"}}, 404, "unknown"),
        ({"filter": {"relationship": "nothing"}}, 404, "unknown"),
        ({"filter": {"colour": "red"}}, 422, "bad-request"),
        ({"at_risk_seconds": 0}, 422, "bad-request"),
        ({"note": "n" * 501}, 422, "bad-request"),
    ],
)
async def test_registrations_that_cannot_be_used_are_refused(
    caller: ApiCaller, body: dict[str, Any], status: int, slug: str
) -> None:
    response = await put(caller, **body)
    assert (response.status, response.slug) == (status, slug)
    assert (await caller.get("consumers"))["items"] == []


async def test_acknowledgement_after_the_newest_revision_is_refused(caller: ApiCaller, facts: FactRecorder) -> None:
    await record(facts, 1)
    generation = (await put(caller)).content["generation"]
    assert (await acknowledge(caller, tokens.token(TENANT, 2), generation)).slug == "not-yet"
    assert (await acknowledge(caller, "never", generation)).slug == "bad-token"
    assert (await caller.ask("POST", f"{PATH}/acknowledgements", json={"offset": "-1"})).status == 422


async def test_after_a_restore_a_consumer_is_expired_until_it_starts_again(
    caller: ApiCaller, facts: FactRecorder, pool: Pool
) -> None:
    newest = await record(facts, 2)
    generation = (await put(caller, offset="now")).content["generation"]
    async with pool.acquire() as conn:
        await epochs.begin_everywhere(conn, "test")
    found = await caller.get("consumers/shopping")
    assert (found["state"], found["lag"]["revisions"]) == ("expired", None)
    refused = await acknowledge(caller, newest, generation)
    assert (refused.status, refused.slug) == (410, "expired")
    assert refused.content["resync"].startswith("/v1/snapshots")
    again = (await put(caller, offset="now")).content  # skips nothing silently
    assert (again["state"], again["offset"], again["generation"]) == ("expired", found["offset"], generation)
    assert (await put(caller, offset=newest)).slug == "expired"
    assert await take_over(caller, offset="now") == generation + 1
    started = await caller.get("consumers/shopping")
    assert (started["state"], started["generation"]) == ("current", generation + 1)
    later = tokens.token(TENANT, await facts.record(event("CategoryAdded", "later", 1, name="c")))
    assert (await acknowledge(caller, later, started["generation"])).status == 200


async def test_consumer_is_at_risk_once_it_is_older_than_its_threshold(
    caller: ApiCaller, facts: FactRecorder, pool: Pool
) -> None:
    newest = await record(facts, 2)
    generation = (await put(caller, at_risk_seconds=60)).content["generation"]
    assert (await caller.get("consumers/shopping"))["state"] == "behind"
    await pool.execute("update revisions set at = at - interval '1 hour' where revision = 1")
    found = await caller.get("consumers/shopping")
    assert found["state"] == "at-risk"
    assert found["lag"]["seconds"] > 3_600
    await acknowledge(caller, tokens.token(TENANT, 1), generation)
    assert (await caller.get("consumers/shopping"))["state"] == "behind"
    await acknowledge(caller, newest, generation)
    assert (await caller.get("consumers/shopping"))["state"] == "current"


async def test_tenants_have_consumers_of_their_own(caller: ApiCaller) -> None:
    await put(caller)
    assert (await caller.ask("GET", PATH, key="other")).status == 404
    assert (await caller.ask("PUT", PATH, key="other", json={})).status == 201
    assert (await caller.ask("DELETE", PATH, key="other")).status == 204
    assert (await caller.ask("GET", PATH)).status == 200


async def test_key_of_a_consumer_reads_and_holds_it_and_no_other(
    caller: ApiCaller, facts: FactRecorder, pool: Pool
) -> None:
    newest = await record(facts, 1)
    async with pool.acquire() as conn:
        caller.keys["mine"] = await credentials.create(conn, TENANT, "mine", "consume:shopping")
        caller.keys["another"] = await credentials.create(conn, TENANT, "another", "consume:search")
    generation = (await put(caller)).content["generation"]
    assert (await acknowledge(caller, newest, generation, key="mine")).status == 200
    assert (await caller.ask("POST", f"{PATH}/generations", key="mine")).content["holder"] == "mine"
    assert (await caller.ask("GET", "/v1/feed", key="mine")).status == 200
    for key in ("another", "read", "publish:groups"):
        refused = await acknowledge(caller, newest, generation + 1, key=key)
        assert (refused.slug, "consume:shopping" in refused.content["detail"]) == ("forbidden", True)
        assert (await caller.ask("POST", f"{PATH}/generations", key=key)).status == 403
    for key in ("mine", "read"):
        assert (await caller.ask("PUT", PATH, key=key, json={})).status == 403
        assert (await caller.ask("DELETE", PATH, key=key)).status == 403
    assert (await caller.ask("PUT", PATH, key="operate", json={})).status == 200


async def test_consumers_are_listed_by_name_in_pages(caller: ApiCaller) -> None:
    for name in ("c", "a", "b"):
        await put(caller, f"/v1/consumers/{name}")
    page = await caller.get("consumers", limit=2)
    rest = await caller.get("consumers", limit=2, cursor=page["next"])
    assert [item["name"] for item in page["items"] + rest["items"]] == ["a", "b", "c"]
    assert rest["next"] is None


async def test_wait_answers_once_the_consumer_has_acknowledged_the_token(
    caller: ApiCaller, facts: FactRecorder
) -> None:
    newest = await record(facts, 2)
    generation = (await put(caller)).content["generation"]
    query = {"consumer": "shopping", "token": newest}
    refused = await caller.ask("GET", "/v1/wait", key="read", params={**query, "wait": 0})
    assert (refused.status, refused.slug) == (409, "not-yet")
    assert "'shopping'" in refused.content["detail"]
    await acknowledge(caller, tokens.token(TENANT, 1), generation)
    assert (await caller.ask("GET", "/v1/wait", params={**query, "wait": 0})).status == 409
    waiting = asyncio.create_task(caller.get("wait", **query, wait=30))
    await asyncio.sleep(0)
    await acknowledge(caller, newest, generation)
    assert await waiting == query


async def test_metrics_have_the_lag_and_state_of_each_consumer(caller: ApiCaller, facts: FactRecorder) -> None:
    await put(caller)
    await record(facts, 2)
    answer = await caller.http.get("/metrics")
    of = '{consumer="shopping",tenant="main"'
    assert f"tether_consumer_lag_revisions{of}}} 2.0" in answer.text
    assert f"tether_consumer_lag_seconds{of}}} " in answer.text
    assert 'tether_consumer_state{consumer="shopping",state="behind",tenant="main"} 1.0' in answer.text


async def read(caller: ApiCaller, **query: Any) -> tuple[list[str], str]:
    """The subjects in a page of the feed of a consumer, and the offset after it."""
    response = await caller.ask("GET", "/v1/feed", key="read", params={"consumer": "shopping", **query})
    assert response.status == 200, response.content
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers
    return [item["subject"] for item in response.content], response.headers["stream-next-offset"]


async def test_feed_of_a_consumer_goes_on_from_its_position_with_its_filter(
    caller: ApiCaller, facts: FactRecorder
) -> None:
    for n in range(3):
        await facts.record(event("CategoryAdded", f"c{n}", 1, name="c"), event("GroupCreated", f"g{n}", 1, name="g"))
    generation = (await put(caller, filter={"kind": "category"})).content["generation"]
    subjects, offset = await read(caller, limit=2)
    assert subjects == ["c0", "c1"]
    assert (await read(caller, limit=2))[0] == ["c0", "c1"]
    assert (await read(caller, offset=offset))[0] == ["c2"]
    await acknowledge(caller, offset, generation)
    subjects, offset = await read(caller)
    assert subjects == ["c2"]
    await acknowledge(caller, offset, generation)
    assert (await read(caller)) == ([], offset)
    assert (await caller.get("consumers/shopping"))["state"] == "current"


async def test_every_offset_in_a_page_can_be_acknowledged_and_is_gone_on_from(
    caller: ApiCaller, facts: FactRecorder
) -> None:
    await facts.record(*(event("CategoryAdded", f"{'c' * 200}{n}", 1, name="c") for n in range(5)))
    generation = (await put(caller)).content["generation"]
    whole, _ = await read(caller)
    items = (await caller.ask("GET", "/v1/feed", params={"consumer": "shopping"})).content
    for n, item in enumerate(items, 1):
        assert (await acknowledge(caller, item["id"], generation)).content["offset"] == item["id"]
        assert (await read(caller))[0] == whole[n:]
        state = await caller.get("consumers/shopping")
        assert (state["state"], state["lag"]["revisions"]) == ("behind", 1)  # part of a revision is the whole one


async def test_filters_may_be_json_and_are_those_of_the_feed(caller: ApiCaller, facts: FactRecorder) -> None:
    await facts.record(event("CategoryAdded", "c1", 1, name="c"), event("CategoryAdded", "d1", 1, name="c"))
    filters = [{"prefix": {"subject": "d"}}]
    first = await put(caller, filter={"kind": "category", "filters": filters, "changes": "only"})
    assert first.status == 201
    as_text = await put(caller, filter={"kind": "category", "filters": json.dumps(filters), "changes": "only"})
    assert as_text.content["filter"]["changes"] == "only"
    assert (await read(caller))[0] == ["d1"]
    assert (await put(caller, filter={"filters": [{"colour": {"type": "red"}}]})).status == 400
    assert (await put(caller, filter={"parent": "p"})).status == 400
    assert (await put(caller, filter={"replica": "nothing"})).status == 404


async def test_feed_of_a_consumer_takes_no_other_filter_and_needs_the_consumer(caller: ApiCaller) -> None:
    missing = await caller.ask("GET", "/v1/feed", params={"consumer": "shopping"})
    assert (missing.slug, "'shopping'" in missing.content["detail"]) == ("unknown", True)
    await put(caller)
    refused = await caller.ask("GET", "/v1/feed", params={"consumer": "shopping", "kind": "category"})
    assert (refused.status, "kind" in refused.content["detail"]) == (400, True)


@pytest.mark.parametrize("begun", ["-1", "now"])
async def test_feed_of_a_consumer_is_gone_after_a_restore(
    caller: ApiCaller, facts: FactRecorder, pool: Pool, begun: str
) -> None:
    await record(facts, 2)
    await put(caller, offset=begun, filter={"kind": "category"})
    async with pool.acquire() as conn:
        await epochs.begin_everywhere(conn, "test")
    response = await caller.ask("GET", "/v1/feed", params={"consumer": "shopping"})
    assert (response.status, response.slug) == (410, "expired")
    assert response.content["resync"] == "/v1/snapshots?kind=category"


async def test_consumer_goes_on_after_a_snapshot(caller: ApiCaller, facts: FactRecorder) -> None:
    await record(facts, 2)
    await put(caller, filter={"kind": "category"}, offset="now")
    lines = (
        await caller.http.get("/v1/snapshots?kind=category", headers={"authorization": f"Bearer {caller.keys['read']}"})
    ).text.splitlines()
    start = json.loads(lines[0])["data"]
    await facts.record(event("CategoryAdded", "later", 1, name="c"))
    await take_over(caller, offset=start["offset"])
    assert (await read(caller))[0] == ["later"]
