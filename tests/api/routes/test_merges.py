"""Merges over HTTP: requested, listed, undone, refused; each error names the thing, the reason and the mend."""

from typing import Any

import pytest

from catalog.catalog import Catalog
from store.db.pool import Pool
from tests.support.events import event
from tests.support.merge_requests import carry_out
from tests.support.merging import activity
from tests.support.merging_calls import PEOPLE_PATH, merge, of_key, states, undo
from tests.support.people import merged, unmerged
from tests.support.posting import ApiCaller
from tests.support.recording import TENANT, FactRecorder


async def test_merge_is_an_operation_whose_id_is_the_merges(caller: ApiCaller, people: FactRecorder) -> None:
    response = await merge(caller, "anne", "ann", reason="same phone")
    operation = response.content
    assert response.status == 202
    assert response.headers["location"] == f"/v1/operations/{operation['id']}"
    assert (operation["kind"], operation["state"]) == ("merge", "waiting")
    assert operation["entity"] == {"kind": "person", "key": "anne"}
    assert operation["workflow"]["id"] == f"main/merge/person/{operation['id']}"
    shown = await caller.get(f"merges/{operation['id']}")
    assert (shown["survivor"], shown["reason"], shown["actor"]) == ("anne", "same phone", "operate")
    assert (shown["losers"][0]["state"], shown["token"], shown["source"]) == ("requested", None, None)


async def test_merge_is_visible_once_it_was_carried_out(
    caller: ApiCaller, people: FactRecorder, pool: Pool, catalog: Catalog
) -> None:
    id = (await merge(caller, "anne", "ann")).content["id"]
    await carry_out(pool, catalog, id)
    assert await states(caller, id) == {"ann": "merged"}
    shown = await caller.get(f"merges/{id}")
    assert (shown["source"], shown["operation"]) == ("/tether", id)
    proof = await caller.get(f"merges/{id}/proof")
    assert (proof["conserved"], proof["lost"]) == (True, "")
    ann = next(each for each in proof["keys"] if each["key"] == "ann")
    assert ann["before"] == ann["after"]
    assert (ann["before"]["links"]["count"], ann["before"]["link_data"]["count"]) == (2, 1)


async def test_merge_that_is_cancelled_before_it_is_recorded_changes_nothing(
    caller: ApiCaller, people: FactRecorder, pool: Pool, catalog: Catalog
) -> None:
    id = (await merge(caller, "anne", "ann")).content["id"]
    await caller.ask("POST", f"/v1/operations/{id}/cancellation")
    await carry_out(pool, catalog, id)
    assert (await caller.get(f"operations/{id}"))["state"] == "cancelled"
    assert await states(caller, id) == {"ann": "not_merged"}


async def test_idempotency_key_of_a_merge_is_bound_to_one_request(caller: ApiCaller, people: FactRecorder) -> None:
    first, again = await merge(caller, "anne", "ann", again="k"), await merge(caller, "anne", "ann", again="k")
    assert (again.status, again.content) == (202, first.content)
    assert (await merge(caller, "anne", "bob", again="k")).slug == "idempotency-mismatch"
    assert len((await caller.get("merges"))["items"]) == 1


@pytest.mark.parametrize(
    ("survivor", "losers", "words"),
    [
        ("anne", [], "losers"),
        ("anne", ["anne"], "is the survivor and among the losers"),
        ("anne", ["ann", "ann"], "is twice among the losers"),
        ("anne", ["x" * 2000], "the key"),
        ("x" * 2000, ["ann"], "the key"),
        ("", ["ann"], "survivor"),
    ],
)
async def test_merge_of_impossible_keys_is_refused(
    caller: ApiCaller, survivor: str, losers: list[str], words: str
) -> None:
    response = await merge(caller, survivor, *losers)
    assert (response.status, response.slug) == (422, "bad-request")
    assert words in response.content["detail"]
    assert "Value error" not in response.content["detail"]


async def test_body_with_a_name_twice_is_refused(caller: ApiCaller) -> None:
    body = b'{"survivor": "anne", "losers": ["ann"], "survivor": "bob"}'
    for path in (PEOPLE_PATH, f"{PEOPLE_PATH}/plan"):
        response = await caller.ask("POST", path, content=body, key="operate")
        assert (response.status, response.slug) == (422, "bad-request")
        assert response.content["detail"] == "body: an object has two members named 'survivor'"


async def test_list_of_merges_of_a_kind_that_is_not_declared_is_unknown(caller: ApiCaller) -> None:
    response = await caller.ask("GET", "/v1/merges", params={"kind": "nope"})
    assert (response.status, response.slug) == (404, "unknown")
    assert "nope" in response.content["detail"]


async def test_kind_that_cannot_be_merged_says_how_to_declare_it(caller: ApiCaller) -> None:
    for path in ("merges", "merges/plan"):
        response = await merge(caller, "a", "b", path=f"/v1/entities/team/{path}")
        assert (response.status, response.slug) == (409, "conflict")
        assert 'class TeamMerged(Merged, entity="team")' in response.content["detail"]
        assert (await merge(caller, "a", "b", path=f"/v1/entities/none/{path}")).slug == "unknown"


async def test_merges_of_owners_are_listed_and_undone_like_others(caller: ApiCaller, people: FactRecorder) -> None:
    await people.record(merged("anne", "ann", "bob"))
    (listed,) = (await caller.get("merges"))["items"]
    assert (listed["survivor"], listed["source"], listed["operation"]) == ("anne", "/people", None)
    response = await undo(caller, listed["id"], only=["ann"], reason="not the same after all")
    assert (response.status, response.content["kind"], response.content["state"]) == (202, "unmerge", "done")
    assert response.content["workflow"] is None
    assert await states(caller, listed["id"]) == {"ann": "undone", "bob": "merged"}
    await undo(caller, listed["id"])
    assert await states(caller, listed["id"]) == {"ann": "undone", "bob": "undone"}
    response = await undo(caller, listed["id"])
    assert (response.status, response.slug) == (409, "conflict")
    assert "undone already" in response.content["detail"]


async def test_undo_counts_after_what_it_undoes_and_before_the_owners_next(
    caller: ApiCaller, people: FactRecorder
) -> None:
    await people.record(merged("anne", "ann", sequence=10))
    (listed,) = (await caller.get("merges"))["items"]
    await undo(caller, listed["id"])
    assert await states(caller, listed["id"]) == {"ann": "undone"}
    await people.record(merged("anne", "ann", sequence=9))
    assert await states(caller, listed["id"]) == {"ann": "undone"}
    await people.record(merged("anne", "ann", sequence=11))
    assert await states(caller, listed["id"]) == {"ann": "merged"}


async def test_undo_of_pairs_at_different_places_records_a_fact_for_each(
    caller: ApiCaller, people: FactRecorder, pool: Pool
) -> None:
    await people.record(merged("anne", "ann", "bob", sequence=10), merged("anne", "bob", sequence=12))
    first = next(each for each in (await caller.get("merges"))["items"] if len(each["losers"]) == 2)
    await undo(caller, first["id"])
    rows = await pool.fetch("select sequence, data from facts where type = 'Unmerged.v1' order by sequence")
    assert [(row["sequence"], row["data"]["losers"]) for row in rows] == [("10", ["ann"]), ("12", ["bob"])]
    assert await states(caller, first["id"]) == {"ann": "undone", "bob": "undone"}


async def test_idempotency_key_of_an_undo_returns_the_first_one(caller: ApiCaller, people: FactRecorder) -> None:
    await people.record(merged("anne", "ann"))
    id = (await caller.get("merges"))["items"][0]["id"]
    first, again = await undo(caller, id, again="k"), await undo(caller, id, again="k")
    assert (again.status, again.content) == (202, first.content)


async def test_undo_names_only_losers_of_this_merge(caller: ApiCaller, people: FactRecorder) -> None:
    await people.record(merged("anne", "ann"))
    id = (await caller.get("merges"))["items"][0]["id"]
    for method in ("GET", "POST"):
        more: dict[str, Any] = {"params": {"only": "zoe"}} if method == "GET" else {"json": {"only": ["zoe"]}}
        response = await caller.ask(method, f"/v1/merges/{id}/undo", **more)
        assert (response.status, response.slug) == (404, "unknown")
        assert "'zoe' is no loser of merge" in response.content["detail"]


async def test_merge_of_another_tenant_is_not_found(caller: ApiCaller, people: FactRecorder) -> None:
    await people.record(merged("anne", "ann"))
    id = (await caller.get("merges"))["items"][0]["id"]
    for method, path in (("GET", ""), ("GET", "/undo"), ("POST", "/undo"), ("GET", "/proof")):
        response = await caller.ask(method, f"/v1/merges/{id}{path}", key="other")
        assert (response.status, response.slug) == (404, "unknown"), path
    assert (await caller.get("merges", key="other"))["items"] == []


async def test_undo_of_a_merge_without_facts_is_a_conflict(caller: ApiCaller, people: FactRecorder) -> None:
    id = (await merge(caller, "anne", "ann")).content["id"]
    for method, path in (("GET", "undo"), ("POST", "undo"), ("GET", "proof")):
        response = await caller.ask(method, f"/v1/merges/{id}/{path}")
        assert (response.status, response.slug) == (409, "conflict"), (method, path)


async def test_preview_of_an_undo_names_what_changes_and_what_stays(caller: ApiCaller, people: FactRecorder) -> None:
    await people.record(merged("anne", "ann", "bob"), merged("anne", "cid", sequence=11))
    await people.record(merged("cid", "bob", sequence=12))
    both = next(each for each in (await caller.get("merges"))["items"] if len(each["losers"]) == 2)
    shown = await caller.get(f"merges/{both['id']}/undo")
    assert shown["changes"] == [{"key": "ann", "before": "anne", "after": "ann"}]
    assert shown["stay"] == ["bob"]
    assert shown["links"] == [{"relationship": "person_ticket", "key": "ann", "links": 1}]
    assert shown["deleted"] == []
    await people.record(event("PersonDeleted", "ann", 13))
    assert (await caller.get(f"merges/{both['id']}/undo"))["deleted"] == ["ann"]
    assert await states(caller, both["id"]) == {"ann": "merged", "bob": "merged"}


async def test_plan_names_members_links_and_what_would_be_retired(caller: ApiCaller, people: FactRecorder) -> None:
    await people.record(event("PersonCreated", "bob", 3, name="Bob", company_id="bolt"), unmerged("anne", "bob"))
    await people.record(*(activity(id, person) for id, person in (("x", "ann"), ("y", "ann"), ("z", "anne"))))
    shown = (await merge(caller, "anne", "ann", "bob", path=f"{PEOPLE_PATH}/plan")).content
    assert (shown["survivor"], shown["rule"], shown["refused"]) == ("anne", "declared", [])
    assert [(each["key"], each["state"]) for each in shown["members"]] == [
        ("anne", "live"),
        ("ann", "live"),
        ("bob", "live"),
    ]
    assert shown["links"] == [{"relationship": "person_ticket", "key": "ann", "links": 1}]
    assert shown["activity"] == [{"key": "ann", "items": 2}]
    (conflict,) = shown["conflicts"]
    assert (conflict["relationship"], conflict["on_merge"], conflict["refused"]) == (
        "company_person",
        "keep_newest",
        False,
    )
    assert (conflict["kept"], conflict["set_aside"]) == (
        {"key": "bob", "other": "bolt"},
        [{"key": "ann", "other": "acme"}],
    )
    assert (shown["retired"], shown["command"]) == (["ann", "bob"], "RetirePerson")
    assert (
        (await caller.get("merges"))["items"][0]["source"] == "/people"
        if (await caller.get("merges"))["items"]
        else True
    )


async def test_merges_are_listed_newest_first_by_kind_and_key(caller: ApiCaller, people: FactRecorder) -> None:
    for n, loser in enumerate(("ann", "bob", "cid"), 10):
        await people.record(merged("anne", loser, sequence=n))
    listed = [each["losers"][0]["loser"] for each in (await caller.get("merges", kind="person"))["items"]]
    assert listed == ["cid", "bob", "ann"]
    first = await caller.get("merges", limit=2)
    rest = await caller.get("merges", limit=2, cursor=first["next"])
    assert [each["losers"][0]["loser"] for each in rest["items"]] == ["ann"]
    assert len(await of_key(caller, "merges", "bob")) == 1
    assert (await caller.get("merges", kind="team"))["items"] == []


@pytest.mark.parametrize("scope", ["read", "publish:groups"])
async def test_merging_requires_an_operate_key(caller: ApiCaller, scope: str) -> None:
    paths = ("entities/person/merges", "entities/person/merges/plan", "entities/person/forbidden-merges")
    for path in (*paths, "merges/x/undo"):
        response = await caller.ask("POST", f"/v1/{path}", key=scope, json={})
        assert (response.status, response.slug) == (403, "forbidden"), path


async def test_merge_of_another_tenant_changes_nothing_here(
    caller: ApiCaller, people: FactRecorder, pool: Pool, catalog: Catalog
) -> None:
    response = await caller.ask("POST", PEOPLE_PATH, key="other", json={"survivor": "anne", "losers": ["ann"]})
    await carry_out(pool, catalog, response.content["id"], tenant="other")
    assert await pool.fetchval("select count(*) from aliases where tenant = $1", TENANT) == 0
