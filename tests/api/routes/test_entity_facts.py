"""Listing the facts about an entity over HTTP."""

from typing import Any

import pytest

from facts import own_facts, tokens
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder


async def test_facts_are_listed_with_what_they_were_older_than(api: Api, facts: FactRecorder) -> None:
    updated = event("ItemUpdated", "i", 3, name="y", time="2026-01-03T12:00:00Z", correlation="x")
    await facts.record(updated)
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))
    listed = await api.get("entities/item/i/facts")
    assert (listed["next"], listed["token"]) == (None, tokens.token(TENANT, 2))
    added, first = listed["items"]
    received = first.pop("received")
    assert received.endswith("Z")
    assert first == {
        "source": "/items",
        "id": updated["id"],
        "type": "ItemUpdated.v1",
        "effect": "changed",
        "sequence": "3",
        "time": "2026-01-03T12:00:00Z",
        "position": 1,
        "revision": tokens.token(TENANT, 1),
        "correlation_id": "x",
        "data": {"name": "y"},
        "stale": False,
        "older_than": None,
        "voided": False,
        "read_as": None,
        "published": None,
        "emptied": None,
        "void_reason": None,
    }
    assert (added["stale"], added["older_than"]) == (True, {"source": "/items", "id": updated["id"]})
    assert (await api.get("entities/item/i/facts", stale=True))["items"] == [added]


async def test_own_facts_are_listed_and_voided_ones_have_the_reason(api: Api, facts: FactRecorder) -> None:
    wrong = event("CategoryUpdated", "c", 999, name="w")
    await facts.record(event("CategoryAdded", "c", 1, name="c"), wrong)
    data = {"source": "/categories", "id": wrong["id"], "type": wrong["type"], "reason": "a clock as sequence"}
    await facts.record_entries([own_facts.entry("FactVoided", "category", "c", data, id="v")])
    await facts.record(event("CategoryUpdated", "c", 2, name="d"))
    found = await api.all("entities/category/c/facts", limit=1)
    assert [(fact["type"], fact["effect"], fact["stale"], fact["void_reason"]) for fact in found] == [
        ("CategoryUpdated.v1", "changed", False, None),
        ("FactVoided.v1", None, False, None),
        ("CategoryUpdated.v1", "changed", False, "a clock as sequence"),
        ("CategoryAdded.v1", "created", False, None),
    ]
    assert [fact["voided"] for fact in found] == [False, False, True, False]


async def test_placeholder_has_no_facts_and_unknown_entity_is_not_found(api: Api, facts: FactRecorder) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))
    assert (await api.get("entities/category/c/facts"))["items"] == []
    for path in ("entities/category/none/facts", "entities/nokind/c/facts"):
        status, problem = await api.ask(path)
        assert (status, problem["type"]) == (404, "/problems/unknown")


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ({"cursor": "AAAAAAAA"}, 400, "bad-token"),
        ({"limit": 1001}, 422, "bad-request"),
        ({"stale": "perhaps"}, 422, "bad-request"),
        ({"as_of": tokens.token(TENANT, 0)}, 400, "bad-request"),
    ],
)
async def test_bad_listing_of_facts_is_refused(
    api: Api, facts: FactRecorder, query: dict[str, Any], status: int, slug: str
) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x"))
    got, problem = await api.ask("entities/item/i/facts", **query)
    assert (got, problem["type"]) == (status, f"/problems/{slug}")


async def test_cursor_is_valid_for_its_entity_and_filter_only(api: Api, facts: FactRecorder) -> None:
    await facts.record(*(event("ItemUpdated", key, n, name="x") for key in "ij" for n in (3, 2, 1)))
    cursor = (await api.get("entities/item/i/facts", limit=1))["next"]
    assert (await api.ask("entities/item/j/facts", cursor=cursor))[0] == 400
    assert (await api.ask("entities/item/i/facts", cursor=cursor, stale=True))[0] == 400


async def test_key_that_ends_like_the_path_names_an_entity(api: Api, facts: FactRecorder) -> None:
    keys = ["a", "a/facts", "facts", "/facts", "a/facts/facts"]
    await facts.record(*(event("ItemAdded", key, 1, name=key) for key in keys))
    for key in keys:
        spelled = key.replace("/", "%2F")
        assert (await api.get(f"entities/item/{spelled}"))["key"] == key
        (fact,) = (await api.get(f"entities/item/{spelled}/facts"))["items"]
        assert fact["data"]["name"] == key
