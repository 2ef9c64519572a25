"""Which key may publish which facts: a key has one scope in one tenant."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI

from api.http.auth import KeyCache
from store.db import credentials
from store.db.pool import Pool
from tests.support.posting import BATCH, NDJSON, OTHER, STRUCTURED, ApiCaller, group

CHANNEL = group("c1", source="/channels", type="ChannelCreated.v1")
UNKNOWN = group("x", type="NotDeclared.v1")


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "Bearer ", "tether_x", "Bearer  a b", "Bearer é"])
async def test_request_without_a_key_is_unauthenticated(caller: ApiCaller, header: str | None) -> None:
    headers = [(b"content-type", STRUCTURED.encode())]
    if header is not None:
        headers.append((b"authorization", header.encode()))
    answer = await caller.http.post("/v1/events", headers=headers, content=b"{")
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("key", ["nonsense", "tether_" + "A" * 43, "x" * 10_000, "%00", "'--"])
async def test_unknown_key_is_unauthenticated(caller: ApiCaller, key: str) -> None:
    assert (await caller.event(group(), key=key)).slug == "unauthenticated"
    assert (await caller.ask("GET", "/v1/feed", key=key)).slug == "unauthenticated"


@pytest.fixture
def forgetful(app: FastAPI, pool: Pool) -> Iterator[None]:
    """Every key is looked up every time."""
    usual = app.state.dependencies
    app.state.dependencies = replace(usual, keys=KeyCache(pool, cache_seconds=0.0))
    yield
    app.state.dependencies = usual


@pytest.mark.usefixtures("forgetful")
async def test_a_revoked_key_is_refused_once_it_is_looked_up_again(caller: ApiCaller, pool: Pool) -> None:
    assert (await caller.event(group(), key="publish:groups")).status == 202
    assert await credentials.revoke(pool, caller.tenant, "publish:groups") == 1
    assert (await caller.event(group(), key="publish:groups")).slug == "unauthenticated"


async def test_good_key_is_cached(caller: ApiCaller, pool: Pool) -> None:
    await caller.event(group("g1"), key="publish:groups")
    await credentials.revoke(pool, caller.tenant, "publish:groups")
    assert (await caller.event(group("g2"), key="publish:groups")).status == 202


async def test_owners_key_publishes_its_own_facts_only(caller: ApiCaller) -> None:
    assert (await caller.event(group(), key="publish:groups")).status == 202
    response = await caller.event(CHANNEL, key="publish:groups")
    assert (response.status, response.slug) == (403, "forbidden")
    assert "ChannelCreated.v1" in response.content["detail"]
    assert (await caller.event(CHANNEL, key="publish:channels")).status == 202


@pytest.mark.parametrize("poison", [{}, {"data": {}}, {"data": {"name": "a\0"}}, {"data": {"name": "\ud800"}}])
async def test_another_owners_fact_is_rejected_and_does_not_reach_the_quarantine(
    caller: ApiCaller, poison: dict[str, object]
) -> None:
    event = {**CHANNEL, **poison}
    assert (await caller.event(event, key="publish:groups")).status == 403
    headers = {"ce-specversion": "1.0", "ce-id": "c1", "ce-source": "/channels", "ce-type": "ChannelCreated.v1"}
    assert (await caller.post("1e400", "application/json", key="publish:groups", **headers)).status == 403
    for response in (
        await caller.batch(group("g1"), event, group("g2"), key="publish:groups"),
        await caller.lines(group("g3"), event, group("g4"), key="publish:groups"),
    ):
        assert (response.status, response.content["accepted"]) == (202, 2)
        (rejected,) = response.content["rejected"]
        assert (rejected["index"], rejected["id"]) == (1, "c1-1")
        assert "ChannelCreated.v1" in rejected["reason"]
    assert await caller.facts() == ["g1", "g2", "g3", "g4"]
    assert await caller.quarantine() == []


async def test_unknown_types_of_any_publisher_are_quarantined(caller: ApiCaller) -> None:
    response = await caller.event(UNKNOWN, key="publish:groups")
    assert (response.status, len(response.content["quarantined"])) == (202, 1)


@pytest.mark.parametrize("scope", ["read", "operate"])
async def test_read_and_operate_keys_cannot_publish(caller: ApiCaller, scope: str) -> None:
    deep = "[" * 100_000
    for content, type in (
        (b"", NDJSON),
        (b"[]", BATCH),
        (b"nonsense", STRUCTURED),
        (deep.encode(), STRUCTURED),
        (b'{"a": 1e400}', NDJSON),
        (b'{"a": 1}', "text/plain"),
    ):
        response = await caller.post(content, type, key=scope)
        assert (response.status, response.slug) == (403, "forbidden")
    assert (await caller.event(UNKNOWN, key=scope)).status == 403
    assert await caller.quarantine() == []


@pytest.mark.parametrize(
    ("scope", "read", "operate"),
    [("read", 200, 403), ("operate", 200, 202), ("admin", 200, 202), ("publish:groups", 403, 403)],
)
async def test_each_scope_permits_only_its_actions(caller: ApiCaller, scope: str, read: int, operate: int) -> None:
    for path in ("feed", "relationships", "waiting", "quarantine", "relationships/group_channel/links"):
        assert (await caller.ask("GET", f"/v1/{path}", key=scope)).status == read
    link = {"parent": "g", "child": "c"}
    response = await caller.ask("POST", "/v1/relationships/group_channel/links", key=scope, json=link)
    assert response.status == operate


async def test_tenants_with_the_same_ids_are_isolated(caller: ApiCaller) -> None:
    await caller.event(group("g1", data={"name": "ours"}))
    response = await caller.event(group("g1", data={"name": "theirs"}), key=OTHER)
    assert (response.status, response.content["accepted"]) == (202, 1)
    await caller.event(group("g2", data={}), key=OTHER)
    assert (await caller.get("entities/group/g1"))["data"] == {"name": "ours"}
    assert (await caller.get("entities/group/g1", key=OTHER))["data"] == {"name": "theirs"}
    assert await caller.quarantine() == []
    assert len(await caller.quarantine(OTHER)) == 1


async def test_tokens_and_cursors_are_bound_to_their_tenant(caller: ApiCaller) -> None:
    token = (await caller.event(group("g1"))).content["token"]
    (item,) = await caller.get("feed")
    link = {"parent": "g", "child": "c"}
    operation = (await caller.ask("POST", "/v1/relationships/group_channel/links", json=link)).content["id"]
    assert (await caller.ask("GET", "/v1/entities/group/g1", key=OTHER)).status == 404
    assert (await caller.ask("GET", f"/v1/operations/{operation}", key=OTHER)).status == 404
    assert (await caller.ask("GET", f"/v1/operations/{operation}")).status == 200
    for query in ({"offset": token}, {"offset": item["id"]}):
        assert (await caller.ask("GET", "/v1/feed", key=OTHER, params=query)).slug == "bad-token"
