"""Reads of merged entities: by any of their keys, with the fields of all their records, and as of any revision."""

from facts import tokens
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.people import PEOPLE, merged, unmerged
from tests.support.recording import TENANT, FactRecorder


async def test_every_key_of_a_merged_entity_stands_for_it(api: Api, facts: FactRecorder) -> None:
    await facts.record(*PEOPLE)
    await facts.record(merged("anne", "ann"))
    found = {key: await api.get(f"entities/person/{key}") for key in ("ann", "anne")}
    assert {key: (body["requested"], body["key"], body["replaced_by"]) for key, body in found.items()} == {
        "ann": ("ann", "anne", "anne"),
        "anne": ("anne", "anne", None),
    }
    assert found["ann"] | {"requested": "", "replaced_by": None} == found["anne"] | {"requested": ""}
    assert found["anne"]["replaces"] == ["ann"]
    assert found["anne"]["references"] == {"company_person": "acme"}


async def test_fields_follow_the_rules_of_their_kind(api: Api, facts: FactRecorder) -> None:
    await facts.record(*PEOPLE)
    await facts.record(merged("anne", "ann"))
    body = await api.get("entities/person/ann")
    # name: newest; email: the survivor's, who has none; phone: first that is not empty; labels: union
    assert body["data"] == {"name": "Anne", "phone": "1", "labels": ["b", "a"], "company_id": "acme"}
    assert body["origins"] == {
        "name": ["anne"],
        "phone": ["ann"],
        "labels": ["anne", "ann"],
        "company_id": ["ann"],
    }


async def test_retired_loser_goes_on_contributing(api: Api, facts: FactRecorder) -> None:
    await facts.record(*PEOPLE)
    await facts.record(merged("anne", "ann"))
    before = await api.get("entities/person/anne")
    await facts.record(event("PersonDeleted", "ann", 30))
    after = await api.get("entities/person/anne")
    assert (after["state"], after["data"], after["origins"]) == ("live", before["data"], before["origins"])


async def test_merged_period_stays_readable(api: Api, facts: FactRecorder) -> None:
    first = await facts.record(*PEOPLE)
    second = await facts.record(merged("anne", "ann"))
    await facts.record(unmerged("anne", "ann"))
    keys = []
    for revision in (first, second, None):
        query = {} if revision is None else {"as_of": tokens.token(TENANT, revision)}
        keys.append((await api.get("entities/person/ann", **query))["key"])
    assert keys == ["ann", "anne", "ann"]


async def test_merge_before_either_side_is_heard_of_is_readable(api: Api, facts: FactRecorder) -> None:
    await facts.record(merged("anne", "ann"))
    body = await api.get("entities/person/ann")
    assert (body["key"], body["state"], body["data"], body["replaces"]) == ("anne", "unknown", {}, ["ann"])


async def test_links_are_found_by_every_key(api: Api, facts: FactRecorder) -> None:
    await facts.record(*PEOPLE)
    await facts.record(merged("anne", "ann"))
    pages = [await api.all("relationships/person_ticket/links", parent=key) for key in ("ann", "anne")]
    assert pages[0] == pages[1]
    assert [(link["child"], link["parent"], link.get("stated_parent")) for link in pages[0]] == [
        ("t1", "anne", "ann"),
        ("t2", "anne", None),
    ]
    (link,) = await api.all("relationships/company_person/links", child="ann")
    assert (link["child"], link["stated_child"], link["parent"]) == ("anne", "ann", "acme")


async def test_feed_says_what_was_merged_and_what_follows(api: Api, facts: FactRecorder) -> None:
    await facts.record(*PEOPLE)
    token = tokens.token(TENANT, await facts.record(merged("anne", "ann")))
    await facts.record(event("PersonChanged", "ann", 12, name="Ann again"))
    await facts.record(unmerged("anne", "ann"))
    before = tokens.token(TENANT, tokens.revision(TENANT, token) - 1)
    items = [item["data"] for item in await api.get("feed", offset=before)]
    for item in items:
        item.pop("facts", None)
    link = {"change": "link", "relationship": "person_ticket", "child": "t1", "state": "linked"}
    moved = {**link, "parent": "anne", "previous_parent": "ann", "stated_parent": "ann"}
    assert moved in items
    assert {**link, "parent": "ann", "previous_parent": "anne"} in items
    assert [item for item in items if item["change"] in ("merged", "unmerged")] == [
        {"change": "merged", "kind": "person", "key": "ann", "survivor": "anne"},
        {"change": "unmerged", "kind": "person", "key": "ann", "previous_survivor": "anne"},
    ]
    (record,) = [item for item in items if item["change"] == "entity"]
    assert (record["key"], record["replaced_by"], record["data"]["name"]) == ("ann", "anne", "Ann again")


async def test_explanation_names_what_the_owner_stated_and_what_it_stands_for(api: Api, facts: FactRecorder) -> None:
    await facts.record(*PEOPLE)
    await facts.record(merged("anne", "ann"))
    why = await api.get("relationships/person_ticket/links/t1/why")
    assert (why["parent"], why["stated_parent"], why["state"]) == ("anne", "ann", "linked")
    assert "names person ann, merged into anne, which exists since PersonCreated" in why["sentence"]
    own = await api.get("relationships/company_person/links/ann/why")
    assert (own["requested"], own["child"], own["stated_child"], own["parent"]) == ("ann", "anne", "ann", "acme")
    assert own["facts"][0]["type"] == "PersonCreated.v1"
