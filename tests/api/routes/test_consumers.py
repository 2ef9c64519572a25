"""Consumers over HTTP: registered, read, deleted, taken over, acknowledged, waited for."""

import asyncio
from typing import Any

import pytest

from facts import tokens
from store.db import credentials, epochs
from store.db.pool import Pool
from tests.support.consumer_calls import PATH, acknowledge, after, put, record, take_over
from tests.support.events import event
from tests.support.posting import ApiCaller
from tests.support.recording import TENANT, FactRecorder


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
    taken = await take_over(caller, offset="now")
    assert taken > generation + 1  # which a process of the lost time may hold
    started = await caller.get("consumers/shopping")
    assert (started["state"], started["generation"]) == ("current", taken)
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
