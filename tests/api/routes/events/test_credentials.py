"""Who may tell what: a key has one scope in one tenant."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI

from api.http.auth import KeyCache
from store.db import credentials
from store.db.pool import Pool
from tests.support.posting import BATCH, NDJSON, OTHER, STRUCTURED, Door, group

CHANNEL = group("c1", source="/channels", type="ChannelCreated.v1")
UNKNOWN = group("x", type="NobodyKnows.v1")


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "Bearer ", "tether_x", "Bearer  a b", "Bearer é"])
async def test_without_a_key_nobody_is_heard(door: Door, header: str | None) -> None:
    headers = [(b"content-type", STRUCTURED.encode())]
    if header is not None:
        headers.append((b"authorization", header.encode()))
    answer = await door.http.post("/v1/events", headers=headers, content=b"{")
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("key", ["nonsense", "tether_" + "A" * 43, "x" * 10_000, "%00", "'--"])
async def test_a_key_that_nobody_has_opens_nothing(door: Door, key: str) -> None:
    assert (await door.event(group(), key=key)).slug == "unauthenticated"
    assert (await door.ask("GET", "/v1/feed", key=key)).slug == "unauthenticated"


@pytest.fixture
def forgetful(app: FastAPI, pool: Pool) -> Iterator[None]:
    """Every key is looked up every time."""
    usual = app.state.services
    app.state.services = replace(usual, keys=KeyCache(pool, cache_seconds=0.0))
    yield
    app.state.services = usual


@pytest.mark.usefixtures("forgetful")
async def test_a_revoked_key_is_refused_once_it_is_looked_up_again(door: Door, pool: Pool) -> None:
    assert (await door.event(group(), key="publish:groups")).status == 202
    assert await credentials.revoke(pool, door.tenant, "publish:groups") == 1
    assert (await door.event(group(), key="publish:groups")).slug == "unauthenticated"


async def test_a_good_key_is_not_looked_up_every_time(door: Door, pool: Pool) -> None:
    await door.event(group("g1"), key="publish:groups")
    await credentials.revoke(pool, door.tenant, "publish:groups")
    assert (await door.event(group("g2"), key="publish:groups")).status == 202


async def test_an_owner_tells_its_own_facts_only(door: Door) -> None:
    assert (await door.event(group(), key="publish:groups")).status == 202
    said = await door.event(CHANNEL, key="publish:groups")
    assert (said.status, said.slug) == (403, "forbidden")
    assert "ChannelCreated.v1" in said.content["detail"]
    assert (await door.event(CHANNEL, key="publish:channels")).status == 202


async def test_one_fact_of_another_owner_refuses_the_whole_batch(door: Door) -> None:
    said = await door.batch(group("g1"), CHANNEL, group("g2"), key="publish:groups")
    assert (said.status, said.slug) == (403, "forbidden")
    assert said.content["detail"].startswith("event 1: ")
    assert await door.facts() == []


async def test_a_stream_is_recorded_up_to_another_owners_fact(door: Door) -> None:
    said = await door.lines(group("g1"), CHANNEL, group("g2"), key="publish:groups")
    assert (said.status, said.slug, said.content["accepted"]) == (403, "forbidden", 1)
    assert await door.facts() == ["g1"]


@pytest.mark.parametrize("poison", [{"data": {}}, {"data": {"name": "a\0"}}, {"data": {"name": "\ud800"}}])
async def test_another_owners_fact_does_not_reach_the_quarantine_either(door: Door, poison: dict[str, object]) -> None:
    event = {**CHANNEL, **poison}
    assert (await door.event(event, key="publish:groups")).status == 403
    assert (await door.batch(event, key="publish:groups")).status == 403
    assert (await door.lines(event, key="publish:groups")).status == 403
    headers = {"ce-specversion": "1.0", "ce-id": "c1", "ce-source": "/channels", "ce-type": "ChannelCreated.v1"}
    assert (await door.post("1e400", "application/json", key="publish:groups", **headers)).status == 403
    assert await door.quarantine() == []


async def test_what_nobody_declares_may_be_put_aside_for_anyone_who_tells(door: Door) -> None:
    said = await door.event(UNKNOWN, key="publish:groups")
    assert (said.status, len(said.content["quarantined"])) == (202, 1)


@pytest.mark.parametrize("scope", ["read", "operate"])
async def test_who_only_reads_or_operates_tells_nothing_not_even_poison(door: Door, scope: str) -> None:
    deep = "[" * 100_000
    for content, type in (
        (b"", NDJSON),
        (b"[]", BATCH),
        (b"nonsense", STRUCTURED),
        (deep.encode(), STRUCTURED),
        (b'{"a": 1e400}', NDJSON),
        (b'{"a": 1}', "text/plain"),
    ):
        said = await door.post(content, type, key=scope)
        assert (said.status, said.slug) == (403, "forbidden")
    assert (await door.event(UNKNOWN, key=scope)).status == 403
    assert await door.quarantine() == []


@pytest.mark.parametrize(
    ("scope", "read", "operate"),
    [("read", 200, 403), ("operate", 200, 202), ("admin", 200, 202), ("publish:groups", 403, 403)],
)
async def test_scopes_open_what_they_name(door: Door, scope: str, read: int, operate: int) -> None:
    for path in ("feed", "relationships", "waiting", "quarantine", "relationships/group_channel/links"):
        assert (await door.ask("GET", f"/v1/{path}", key=scope)).status == read
    link = {"parent": "g", "child": "c"}
    said = await door.ask("POST", "/v1/relationships/group_channel/links", key=scope, json=link)
    assert said.status == operate


async def test_tenants_with_the_same_ids_know_nothing_of_each_other(door: Door) -> None:
    await door.event(group("g1", data={"name": "ours"}))
    said = await door.event(group("g1", data={"name": "theirs"}), key=OTHER)
    assert (said.status, said.content["accepted"]) == (202, 1)
    await door.event(group("g2", data={}), key=OTHER)
    assert (await door.get("entities/group/g1"))["data"] == {"name": "ours"}
    assert (await door.get("entities/group/g1", key=OTHER))["data"] == {"name": "theirs"}
    assert await door.quarantine() == []
    assert len(await door.quarantine(OTHER)) == 1


async def test_what_one_tenant_was_given_means_nothing_to_another(door: Door) -> None:
    token = (await door.event(group("g1"))).content["token"]
    cursor = (await door.get("feed"))["next"]
    link = {"parent": "g", "child": "c"}
    operation = (await door.ask("POST", "/v1/relationships/group_channel/links", json=link)).content["id"]
    assert (await door.ask("GET", "/v1/entities/group/g1", key=OTHER)).status == 404
    assert (await door.ask("GET", f"/v1/operations/{operation}", key=OTHER)).status == 404
    assert (await door.ask("GET", f"/v1/operations/{operation}")).status == 200
    for query in ({"after": token}, {"after": cursor}):
        assert (await door.ask("GET", "/v1/feed", key=OTHER, params=query)).slug == "bad-token"
