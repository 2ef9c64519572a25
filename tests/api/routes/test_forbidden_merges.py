"""Pairs that must never be merged, over HTTP: refused, listed, allowed again."""

from catalog.catalog import Catalog
from store.db.pool import Pool
from tests.support.merge_requests import carry_out
from tests.support.merging_calls import forbid, merge, of_key, states
from tests.support.people import kept_apart, merged
from tests.support.posting import ApiCaller
from tests.support.recording import FactRecorder


async def test_forbidden_pair_is_refused_with_the_path(caller: ApiCaller, people: FactRecorder) -> None:
    await people.record(merged("anne", "ann"))
    assert (await forbid(caller, "ann", "bob")).status == 200
    response = await merge(caller, "anne", "bob")
    assert (response.status, response.slug) == (409, "forbidden-merge")
    assert response.content["path"] == ["ann", "anne", "bob"]
    assert "by way of ann – anne – bob" in response.content["detail"]
    assert (await caller.get("operations"))["items"] == []


async def test_pair_forbidden_after_the_request_refuses_the_merge(
    caller: ApiCaller, people: FactRecorder, pool: Pool, catalog: Catalog
) -> None:
    id = (await merge(caller, "anne", "ann")).content["id"]
    await people.record(kept_apart("ann", "anne"))
    await carry_out(pool, catalog, id)
    operation = await caller.get(f"operations/{id}")
    assert (operation["state"], operation["ended_because"]) == ("refused", "pair_forbidden")
    assert await states(caller, id) == {"ann": "not_merged"}


async def test_merge_that_exists_is_not_set_aside_by_a_new_one(caller: ApiCaller, people: FactRecorder) -> None:
    # The new pair has no sequence, so that it would be joined before that of the owner.
    await people.record(merged("anne", "ann", sequence=10), kept_apart("ann", "bob"))
    response = await merge(caller, "anne", "bob")
    assert (response.status, response.content["path"]) == (409, ["ann", "anne", "bob"])


async def test_merged_keys_cannot_be_forbidden(caller: ApiCaller, people: FactRecorder) -> None:
    await people.record(merged("anne", "ann"), merged("bob", "anne", sequence=11))
    response = await forbid(caller, "ann", "bob")
    assert (response.status, response.slug) == (409, "forbidden-merge")
    assert response.content["path"] in (["ann", "anne", "bob"], ["bob", "anne", "ann"])
    assert "undo the merge" in response.content["detail"]


async def test_forbidden_merges_are_listed_until_allowed(caller: ApiCaller, people: FactRecorder) -> None:
    for one, other in (("bob", "ann"), ("ann", "cid"), ("dan", "eve")):
        await forbid(caller, one, other)
    assert (await forbid(caller, "ann", "bob")).status == 200  # it is already
    path = "entities/person/forbidden-merges"
    listed = [(each["one"], each["other"]) for each in (await caller.get(path))["items"]]
    assert listed == [("ann", "bob"), ("ann", "cid"), ("dan", "eve")]
    first = await caller.get(path, limit=2)
    assert [each["one"] for each in (await caller.get(path, limit=2, cursor=first["next"]))["items"]] == ["dan"]
    assert [each["reason"] for each in await of_key(caller, path, "bob")] == ["twins"]
    assert (await forbid(caller, "bob", "ann", "DELETE")).content["forbidden"] is False
    assert [each["other"] for each in await of_key(caller, path, "ann")] == ["cid"]
    again = await forbid(caller, "bob", "ann", "DELETE")
    assert (again.status, again.slug) == (404, "unknown")
    assert (await merge(caller, "bob", "ann")).status == 202


async def test_key_cannot_be_forbidden_to_be_merged_with_itself(caller: ApiCaller) -> None:
    response = await forbid(caller, "ann", "ann")
    assert (response.status, response.slug) == (422, "bad-request")
    assert "name two different keys" in response.content["detail"]


async def test_allowing_a_pair_joins_what_was_set_aside(caller: ApiCaller, people: FactRecorder) -> None:
    await people.record(kept_apart("ann", "anne"), merged("anne", "ann"))
    (listed,) = (await caller.get("merges"))["items"]
    assert listed["losers"] == [{"loser": "ann", "state": "set_aside", "path": ["ann", "anne"]}]
    await forbid(caller, "ann", "anne", "DELETE")
    assert await states(caller, listed["id"]) == {"ann": "merged"}
