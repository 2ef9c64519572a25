"""Reading entities, links and waits over HTTP, as of a revision."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from facts import tokens
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder


async def test_entity_has_references_and_revisions(api: Api, facts: FactRecorder) -> None:
    first = await facts.record(event("ItemAdded", "a/b c", 1, name="x", category="c"))
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    entity = await api.get("entities/item/a%2Fb%20c")
    assert entity == {
        "kind": "item",
        "requested": "a/b c",
        "key": "a/b c",
        "replaced_by": None,
        "replaces": [],
        "state": "live",
        "incarnation": "first",
        "sequence": "1",
        "data": {"name": "x", "category": "c"},
        "origins": {},
        "references": {"category_item": "c"},
        "revision": tokens.token(TENANT, first),
        "token": tokens.token(TENANT, 2),
    }
    earlier = await api.get("entities/category/c", as_of=entity["revision"])
    assert (earlier["state"], earlier["data"], earlier["token"]) == ("unknown", {}, entity["revision"])
    assert (await api.get("entities/category/c"))["state"] == "live"


async def test_a_deleted_entity_has_no_data(api: Api, facts: FactRecorder) -> None:
    await facts.record(event("CategoryAdded", "c", 1, name="c"), event("CategoryRemoved", "c", 2))
    entity = await api.get("entities/category/c")
    assert (entity["state"], entity["data"]) == ("deleted", {})


@pytest.mark.parametrize(
    ("path", "query", "status", "slug"),
    [
        ("entities/item/none", {}, 404, "unknown"),
        ("entities/nokind/k", {}, 404, "unknown"),
        ("entities/item/a%00", {}, 422, "bad-request"),
        ("entities/item/" + "k" * 513, {}, 422, "bad-request"),
        ("relationships/none", {}, 404, "unknown"),
        ("relationships/none/links", {}, 404, "unknown"),
        ("relationships/category_item/links", {"as_of": "nonsense"}, 400, "bad-token"),
        ("relationships/category_item/links", {"at_least": "é\x00"}, 400, "bad-token"),
        ("relationships/category_item/links", {"cursor": "AAAAAAAA"}, 400, "bad-token"),
        ("relationships/category_item/links", {"as_of": tokens.token("other", 1)}, 400, "bad-token"),
        ("relationships/category_item/links", {"limit": 1001}, 422, "bad-request"),
        ("relationships/category_item/links", {"limit": 0}, 422, "bad-request"),
        ("relationships/category_item/links", {"state": "good"}, 422, "bad-request"),
        ("relationships/category_item/links", {"parent": "a\x00"}, 422, "bad-request"),
        ("relationships/category_item/links", {"as_of": tokens.token(TENANT, 9), "wait": 0}, 409, "not-yet"),
        ("relationships/category_item/links", {"at_least": tokens.token(TENANT, 9), "wait": 0.01}, 409, "not-yet"),
        ("relationships/category_item/links/none/why", {}, 404, "unknown"),
        ("waiting", {"relationship": "none"}, 404, "unknown"),
        ("waiting", {"cursor": "AAAAAAAA"}, 400, "bad-token"),
        ("feed", {"offset": "nonsense"}, 400, "bad-token"),
        ("feed", {"offset": tokens.token(TENANT, 9)}, 409, "not-yet"),
        ("feed", {"kind": "none"}, 404, "unknown"),
        ("quarantine", {"cursor": "é"}, 400, "bad-token"),
    ],
)
async def test_bad_reads_are_refused_with_a_reason(
    api: Api, path: str, query: dict[str, Any], status: int, slug: str
) -> None:
    got, problem = await api.ask(path, **query)
    assert (got, problem["type"]) == (status, f"/problems/{slug}")
    assert problem["detail"]


async def test_reads_require_a_key_of_the_tenant(api: Api, facts: FactRecorder) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))
    api.http.headers.pop("authorization")
    for path in ("entities/item/i", "relationships", "waiting", "feed", "quarantine"):
        assert (await api.ask(path))[0] == 401
    assert (await api.ask("relationships/category_item/links"))[0] == 401


async def test_a_missing_parent_is_listed_and_explained_with_similar_keys(api: Api, facts: FactRecorder) -> None:
    await facts.record(
        event("CategoryAdded", "Books", 1, name="x"),
        *(event("ItemAdded", f"i{n}", 1, name="x", category=key) for n, key in enumerate(["books", "toys", "Books"])),
        event("GroupCreated", "g", 1, name="g"),
    )
    found = {wait["parent"]: wait for wait in await api.all("waiting")}
    assert {key: wait["similar"] for key, wait in found.items()} == {"books": ["Books"], "toys": [], "g": []}
    assert "; category 'Books' exists: " in found["books"]["reason"]
    assert "exists" not in found["toys"]["reason"]
    whys = [await api.get(f"relationships/category_item/links/i{n}/why") for n in range(3)]
    assert [why["similar"] for why in whys] == [["Books"], [], []]
    assert ["'Books' exists" in why["sentence"] for why in whys] == [True, False, False]


async def test_links_come_page_by_page_as_of_one_revision(api: Api, facts: FactRecorder) -> None:
    for n in range(0, 30, 10):
        await facts.record(*(event("ItemAdded", f"i{m:02}", 1, name="x", category="c") for m in range(n, n + 10)))
    path = "relationships/category_item/links"
    first = await api.get(path, limit=7)
    await facts.record(event("CategoryAdded", "c", 1, name="c"), event("ItemRemoved", "i29", 2))
    found = await api.all(path, limit=7, as_of=first["token"])
    assert found[:7] == first["items"]
    assert [(i["child"], i["parent"], i["state"]) for i in found] == [(f"i{n:02}", "c", "waiting") for n in range(30)]
    assert (await api.get(path, parent="c", limit=1))["items"][0]["state"] == "linked"
    assert [i["child"] for i in await api.all(path, parent="c", limit=10)] == [f"i{n:02}" for n in range(29)]
    assert await api.all(path, child="i29") == []
    assert (await api.ask(path, limit=7, cursor=first["next"], parent="c"))[0] == 400
    since, due = (datetime.fromisoformat(found[0][name]) for name in ("since", "due"))
    assert (due - since).days == 1


async def test_a_read_waits_for_the_revision_of_a_token(api: Api, facts: FactRecorder) -> None:
    reading = asyncio.create_task(api.get("entities/category/c", at_least=tokens.token(TENANT, 2), wait=20))
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    await asyncio.sleep(0.05)
    assert not reading.done()
    await facts.record(event("CategoryUpdated", "c", 2, name="d"))
    assert (await reading)["data"] == {"name": "d"}


async def test_relationships_have_declaration_and_link_counts(api: Api, facts: FactRecorder) -> None:
    await facts.record(event("CategoryAdded", "c", 1, name="c"), event("ItemAdded", "i", 1, name="x", category="c"))
    await facts.record(event("ItemAdded", "j", 1, name="x", category="d"))
    listed = await api.get("relationships", counts=True)
    by_name = {item["name"]: item for item in listed["items"]}
    assert by_name["group_channel"]["via"] == "requested"
    one = await api.get("relationships/category_item", counts=True)
    assert one.pop("token") == listed["token"] == tokens.token(TENANT, 2)
    assert one == by_name["category_item"]
    assert one["counts"] == {"linked": 1, "waiting": 1, "overdue": 0, "broken": 0, "conflict": 0}
    assert (one["parent_owner"], one["via"], one["deadline"]) == ("categories", "category", 86400)
    assert "counts" not in await api.get("relationships/category_item")


async def test_a_wait_names_its_owner_and_counts_its_children(api: Api, facts: FactRecorder) -> None:
    await facts.record(
        *(event("ItemAdded", f"i{n}", 1, name="x", category=f"c{n % 3}") for n in range(7)),
        event("GroupCreated", "g", 1, name="g"),
    )
    found = await api.all("waiting", limit=1)
    assert [(w["relationship"], w["parent"], w["missing"], w["children"]) for w in found] == [
        ("category_item", "c0", "parent", 3),
        ("category_item", "c1", "parent", 2),
        ("category_item", "c2", "parent", 2),
        ("group_channel", "g", "child", 0),
    ]
    assert [w["waiting_for"] for w in found[2:]] == [
        {"owner": "categories", "kind": "category", "key": "c2"},
        {"owner": "channels", "kind": "channel", "key": None},
    ]
    assert found[0]["reason"] == "CategoryAdded from categories has not arrived"
    assert (found[0]["overdue"], found[0]["overdue_notified_at"], found[0]["workflow"]) == (False, None, None)
    assert await api.all("waiting", owner="channels") == found[3:]
    assert await api.all("waiting", relationship="category_item", limit=2) == found[:3]
    assert await api.all("waiting", overdue=True) == []
    assert (await api.ask("waiting", as_of=tokens.token(TENANT, 0)))[0] == 400


async def test_why_lists_the_deciding_facts(api: Api, facts: FactRecorder) -> None:
    await facts.record(event("ItemAdded", "i/7", 1, name="x", category="c", time="2026-01-03T12:00:00Z"))
    why = await api.get("relationships/category_item/links/i%2F7/why")
    assert (why["state"], why["parent"], why["missing"], why["workflow"]) == ("waiting", "c", "parent", None)
    assert why["waiting_for"] == {"owner": "categories", "kind": "category", "key": "c"}
    assert why["waiting_since"] <= why["due"]
    assert [(f["type"], f["effect_on_link"]) for f in why["facts"]] == [("ItemAdded.v1", "names category c")]
    assert [(h["parent"], h["to"]) for h in why["history"]] == [("c", None)]
    await facts.record(event("ItemRemoved", "i/7", 2))
    why = await api.get("relationships/category_item/links/i%2F7/why")
    assert (why["state"], why["due"], why["waiting_for"]) == ("closed", None, None)
    await facts.record(
        event("GroupCreated", "g", 1, name="g"), event("ChannelCreated", "k", 1, name="k", requested_by="g")
    )
    why = await api.get("relationships/group_channel/links/k/why")
    assert why["workflow"] == {
        "id": "main/group_channel/g",
        "url": "http://temporal.test/namespaces/default/workflows/main%2Fgroup_channel%2Fg",
    }
    assert [f["effect_on_link"] for f in why["facts"]] == ["names group g", "determines the state of group g"]


async def test_why_lists_stale_facts_that_would_have_decided_otherwise(api: Api, facts: FactRecorder) -> None:
    named, late = event("ItemAdded", "i", 3, name="x", category="c"), event("ItemUpdated", "i", 2, category="d")
    await facts.record(named)
    path = "relationships/category_item/links/i/why"
    assert (await api.get(path))["stale_facts"] == []
    await facts.record(late)
    why = await api.get(path)
    assert (why["parent"], "ItemUpdated i" in why["sentence"]) == ("c", True)
    (fact,) = why["stale_facts"]
    assert (fact["type"], fact["source"], fact["id"], fact["sequence"]) == ("ItemUpdated.v1", "/items", late["id"], "2")
    assert fact["older_than"] == {name: why["facts"][0][name] for name in ("type", "source", "id", "sequence", "time")}
    assert (await api.get("entities/item/i/facts", stale=True))["items"][0]["id"] == late["id"]


async def test_why_of_a_child_that_was_deleted_first_names_the_stale_fact(api: Api, facts: FactRecorder) -> None:
    await facts.record(event("ItemRemoved", "i", 3))
    path = "relationships/category_item/links/i/why"
    assert (await api.ask(path))[1]["detail"].startswith("item 'i' never had a link in category_item")
    assert "ItemAdded.v1" not in (await api.ask(path))[1]["detail"]
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))
    status, problem = await api.ask(path)
    assert (status, "; ItemAdded.v1 arrived later than a newer fact" in problem["detail"]) == (404, True)


async def test_quarantine_is_listed_newest_first(api: Api, pool: Any) -> None:
    from facts.ingest import Rejection
    from tests.support.quarantined import keep

    for n in range(5):
        await keep(pool, TENANT, Rejection("/s", f"e{n}", "T.v1", "unknown type", b'{"n":%d}' % n))
    await keep(pool, "other", Rejection("/s", "theirs", "T.v1", "unknown type", b"{}"))
    found = await api.all("quarantine", limit=2)
    assert [(k["event_id"], k["raw"]) for k in found] == [(f"e{n}", f'{{"n":{n}}}') for n in (4, 3, 2, 1, 0)]
