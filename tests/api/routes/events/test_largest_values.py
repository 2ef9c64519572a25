"""The largest key, source, id and sequence pass everywhere; one byte more is quarantined with a reason."""

from typing import Any
from urllib.parse import quote

import pytest

from catalog import limits
from catalog.catalog import Catalog
from facts.correlation import decode, encode
from store.audit.verify import verify
from store.db.pool import Pool
from tests.support.events import Event
from tests.support.posting import ApiCaller, group
from tests.support.scripts import SCRIPTS, text_of

ITEM: Event = {"source": "/items", "type": "ItemAdded.v1"}


def largest(key: str, script: str, fact: str, data: dict[str, Any], **more: Any) -> Event:
    """Returns a fact whose source, id and sequence are as long as they may be."""
    return {
        "specversion": "1.0",
        "type": fact,
        "subject": key,
        "source": text_of(script, limits.SOURCE, 1),
        "id": text_of(script, limits.ID, 2, f"{fact} {len(data)} "),
        "sequence": text_of(script, limits.SEQUENCE, 3),
        "data": data,
        **more,
    }


async def pages(caller: ApiCaller, path: str, **query: Any) -> list[Any]:
    """Returns the items of a listing, read page by page, one item each."""
    items: list[Any] = []
    while True:
        page = await caller.get(path, limit=1, **query)
        items += page["items"]
        if page["next"] is None:
            return items
        query["cursor"] = page["next"]


@pytest.mark.parametrize("script", SCRIPTS)
async def test_largest_keys_are_linked_listed_explained_and_paged(
    caller: ApiCaller, pool: Pool, catalog: Catalog, script: str
) -> None:
    parents = sorted(text_of(script, limits.KEY, seed) for seed in (10, 11))
    children = sorted(text_of(script, limits.KEY, seed) for seed in (20, 21))
    facts = [
        largest(
            child, script, "ItemAdded.v1", {"name": str(n), "category": parents[0]}, id=text_of(script, limits.ID, n)
        )
        for n, child in enumerate(children)
    ]
    lone = text_of(script, limits.KEY, 30)
    facts.append(largest(lone, script, "ItemAdded.v1", {"name": "x", "category": parents[1], "n": 1}))
    for fact in facts:
        response = await caller.event(fact)
        assert (response.status, response.content["accepted"]) == (202, 1), response.content
    waiting = await pages(caller, "waiting")
    assert [(wait["parent"], wait["children"]) for wait in waiting] == [(parents[0], 2), (parents[1], 1)]
    for n, parent in enumerate(parents):
        id = text_of(script, limits.ID, 40 + n)
        await caller.event(largest(parent, script, "CategoryAdded.v1", {"name": parent}, id=id))
    links = await pages(caller, "relationships/category_item/links", parent=parents[0])
    assert [(link["child"], link["state"]) for link in links] == [(child, "linked") for child in children]
    for child in children:
        path = f"relationships/category_item/links/{quote(child, safe='')}/why"
        why = await caller.get(path)
        assert (why["parent"], why["state"]) == (parents[0], "linked")
        entity = await caller.get(f"entities/item/{quote(child, safe='')}")
        assert entity["references"] == {"category_item": parents[0]}
    found: list[Any] = []
    while items := await caller.get("feed", limit=1, offset=found[-1]["id"] if found else "-1"):
        found += items
    assert {item["subject"] for item in found if item["type"] == "EntityChanged"} == {*parents, *children, lone}
    assert (await verify(pool, catalog, caller.tenant, rebuild=True)).sound


@pytest.mark.parametrize("script", SCRIPTS)
async def test_largest_parent_comes_back_by_its_correlation_id(caller: ApiCaller, script: str) -> None:
    parent = text_of(script, limits.KEY)
    await caller.event(largest(parent, script, "GroupCreated.v1", {"name": "x"}))
    ids = {
        "correlationid": encode("group_channel", parent, b"\xff" * limits.SEQUENCE),
        "causationid": quote(f"group/{parent}", safe="/:-._~"),
    }
    requested = decode(ids["correlationid"])
    assert requested is not None
    assert requested[:2] == ("group_channel", parent)
    child = text_of(script, limits.KEY, 5)
    response = await caller.event(largest(child, script, "ChannelCreated.v1", {"name": "y", "n": 1}, **ids))
    assert response.content["accepted"] == 1, response.content
    (link,) = await pages(caller, "relationships/group_channel/links")
    assert (link["child"], link["parent"], link["state"]) == (child, parent, "linked")


BEYOND = {
    "the key": ({"subject": limits.KEY}, limits.KEY),
    "source": ({"source": limits.SOURCE}, limits.SOURCE),
    "id": ({"id": limits.ID}, limits.ID),
    "sequence": ({"sequence": limits.SEQUENCE}, limits.SEQUENCE),
    "correlationid": ({"correlationid": limits.ATTRIBUTE}, limits.ATTRIBUTE),
    "causationid": ({"causationid": limits.ATTRIBUTE}, limits.ATTRIBUTE),
    "traceparent": ({"traceparent": limits.ATTRIBUTE}, limits.ATTRIBUTE),
    "partitionkey": ({"partitionkey": limits.ATTRIBUTE}, limits.ATTRIBUTE),
    "category": ({"category": limits.KEY}, limits.KEY),
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("what", BEYOND)
async def test_one_byte_more_is_quarantined_with_limit_and_size(caller: ApiCaller, what: str, script: str) -> None:
    ((field, limit),) = BEYOND[what][0].items()
    for size in (limit, limit + 1):
        value = text_of(script, size)
        data = {"name": "x", "category": value} if field == "category" else {"name": "x"}
        attributes = {} if field == "category" else {field: value}
        fact = group("i", **{**ITEM, "id": f"{size}", "data": data, **attributes})
        response = await caller.batch(group("a", id=f"a{size}"), fact)
        assert response.status == 202
        aside = response.content["quarantined"]
        if size == limit:
            assert (response.content["accepted"], aside) == (2, [])
        else:
            assert response.content["accepted"] == 1
            assert [one["reason"] for one in aside] == [f"{what} is longer than {limit} bytes: it has {size}"]


async def test_parent_of_a_correlation_id_beyond_the_limit_is_quarantined(caller: ApiCaller) -> None:
    correlation = encode("group_channel", "g" * (limits.KEY + 1))
    fact = group("c", source="/channels", type="ChannelCreated.v1", correlationid=correlation)
    (aside,) = (await caller.event(fact)).content["quarantined"]
    assert aside["reason"] == f"the parent that correlationid names is longer than {limits.KEY} bytes: it has 513"


@pytest.mark.parametrize("script", SCRIPTS)
async def test_operations_take_the_largest_keys_and_refuse_longer_ones(caller: ApiCaller, script: str) -> None:
    for size, status in ((limits.KEY, 202), (limits.KEY + 1, 422)):
        key, other = text_of(script, size, 1), text_of(script, limits.KEY, 2)
        calls = [
            ("POST", "/v1/relationships/category_item/links", {"parent": key, "child": other}),
            ("POST", "/v1/relationships/category_item/links", {"parent": other, "child": key}),
            ("POST", "/v1/relationships/event_team/moves", {"child": key, "to": other}),
            ("POST", "/v1/relationships/event_team/moves", {"child": other, "to": key}),
        ]
        for method, path, body in calls:
            response = await caller.ask(method, path, json=body)
            assert response.status == status, response.content
            if status == 422:
                assert f"longer than {limits.KEY} bytes: it has {size}" in str(response.content)
