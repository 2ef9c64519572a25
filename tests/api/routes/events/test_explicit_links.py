"""Explicit links and unlinks over HTTP: operations, accepted for unknown entities too, each once."""

import asyncio
import json
from typing import Any

import pytest

from tests.support.events import Event
from tests.support.posting import ApiCaller, ApiResponse, group

LINKS = "/v1/relationships/group_channel/links"
ITEM_LINKS = "/v1/relationships/category_item/links"


def item(key: str, category: str) -> Event:
    return group(key, source="/items", type="ItemAdded.v1", data={"name": key, "category": category})


async def link(
    caller: ApiCaller, parent: str = "g", child: str = "c", again: str | None = None, path: str = LINKS
) -> ApiResponse:
    headers = {} if again is None else {"idempotency-key": again}
    return await caller.ask("POST", path, headers=headers, json={"parent": parent, "child": child})


async def unlink(caller: ApiCaller, child: str, again: str | None = None) -> ApiResponse:
    headers = {} if again is None else {"idempotency-key": again}
    return await caller.ask("DELETE", f"{ITEM_LINKS}/{child}", headers=headers)


async def test_link_of_unknown_entities_is_a_waiting_operation(caller: ApiCaller) -> None:
    response = await link(caller, "g/1", "c 1")
    assert response.status == 202
    operation = response.content
    assert (operation["kind"], operation["state"], operation["token"]) == ("link", "waiting", None)
    assert (operation["relationship"], operation["parent"], operation["child"]) == ("group_channel", "g/1", "c 1")
    assert operation["workflow"]["id"] in operation["workflow"]["url"].replace("%2F", "/").replace("%25", "%")
    assert operation["due"] > operation["created"]
    assert await caller.get(f"operations/{operation['id']}") == operation


async def test_the_same_idempotency_key_answers_with_the_same_operation(caller: ApiCaller) -> None:
    first, again = await link(caller, again="k1"), await link(caller, again="k1")
    assert (again.status, again.content) == (202, first.content)
    assert (await link(caller, again="k2")).content["id"] != first.content["id"]
    assert (await link(caller)).content["id"] != (await link(caller)).content["id"]


async def test_concurrent_requests_with_one_idempotency_key_start_one_operation(caller: ApiCaller) -> None:
    responses = await asyncio.gather(*(link(caller, again="k") for _ in range(16)))
    assert {s.status for s in responses} == {202}
    assert len({s.content["id"] for s in responses}) == 1


async def test_idempotency_key_for_another_request_is_a_conflict(caller: ApiCaller) -> None:
    await link(caller, "g", "c", again="k")
    for response in (
        await link(caller, "g", "c2", again="k"),
        await link(caller, "g2", "c", again="k"),
        await link(caller, "g", "c", again="k", path=ITEM_LINKS),
    ):
        assert (response.status, response.slug) == (409, "idempotency-mismatch")
        assert "Idempotency-Key" in response.content["detail"]


async def test_repeated_unlink_returns_its_operation_after_the_link_ended(caller: ApiCaller) -> None:
    await caller.event(item("i", "c"))
    first = await unlink(caller, "i", again="k")
    assert (first.status, first.content["kind"], first.content["parent"]) == (202, "unlink", "c")
    await caller.event({**item("i", "c"), "id": "2", "sequence": "2", "type": "ItemRemoved.v1", "data": {}})
    assert (await unlink(caller, "i")).slug == "unknown"
    assert (await unlink(caller, "i", again="k")).content == first.content


async def test_unlink_without_link_is_not_found(caller: ApiCaller) -> None:
    response = await unlink(caller, "i")
    assert (response.status, response.slug) == (404, "unknown")
    assert "category_item" in response.content["detail"]


@pytest.mark.parametrize("name", ["none", "group_channe%6C%00", "%F0%9F%98%80", "a.b"])
async def test_an_unknown_relationship_is_not_found(caller: ApiCaller, name: str) -> None:
    assert (await link(caller, path=f"/v1/relationships/{name}/links")).slug == "unknown"
    assert (await caller.ask("DELETE", f"/v1/relationships/{name}/links/c")).slug == "unknown"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"parent": "g"},
        {"child": "c"},
        {"parent": "", "child": "c"},
        {"parent": "g", "child": None},
        {"parent": 1, "child": "c"},
        {"parent": "g" * 513, "child": "c"},
        {"parent": "g\0", "child": "c"},
        {"parent": "g", "child": "c", "tenant": "other"},
        {"parent": "g", "child": "c", "state": "done"},
        [],
        "text",
        None,
    ],
)
async def test_link_body_takes_parent_and_child_only(caller: ApiCaller, body: Any) -> None:
    response = await caller.ask("POST", LINKS, headers={"content-type": "application/json"}, content=json.dumps(body))
    assert (response.status, response.slug) == (422, "bad-request")


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b'{"parent": "g", "child": "\\ud800"}', b'{"parent": tru}', b"[" * 60_000]
)
async def test_link_body_with_invalid_json_is_refused(caller: ApiCaller, body: bytes) -> None:
    response = await caller.ask("POST", LINKS, headers={"content-type": "application/json"}, content=body)
    assert (response.status, response.slug) == (400, "bad-request")


async def test_too_large_link_body_is_refused(caller: ApiCaller) -> None:
    body = json.dumps({"parent": "g" * 100_000, "child": "c"})
    response = await caller.ask("POST", LINKS, headers={"content-type": "application/json"}, content=body)
    assert (response.status, response.slug) == (413, "too-large")


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_empty_or_too_long_idempotency_key_is_refused(caller: ApiCaller, key: str) -> None:
    assert (await link(caller, again=key)).slug == "bad-request"


@pytest.mark.parametrize("child", ["%00", "c" * 513, "a%00b"])
async def test_a_child_that_no_fact_can_name_is_refused(caller: ApiCaller, child: str) -> None:
    assert (await unlink(caller, child)).slug == "bad-request"


@pytest.mark.parametrize("id", ["nothing", "0" * 32, "%00", "a" * 600, "é"])
async def test_unknown_operation_is_not_found(caller: ApiCaller, id: str) -> None:
    response = await caller.ask("GET", f"/v1/operations/{id}")
    assert (response.status, response.slug) in ((404, "unknown"), (422, "bad-request"))
