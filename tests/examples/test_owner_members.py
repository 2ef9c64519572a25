"""Memberships of groups and channels: entities that outlive their group or channel."""

from typing import Any

import httpx2
import pytest

from examples.channels.service import CHANNELS
from examples.groups.service import GROUPS
from examples.owner.service import OwnerService
from examples.owner.testing import RecordingTether


@pytest.fixture(params=[GROUPS, CHANNELS], ids=lambda owner: owner.source.strip("/"))
def owner(request: pytest.FixtureRequest) -> OwnerService:
    chosen = request.param
    assert isinstance(chosen, OwnerService)
    return chosen


@pytest.fixture
def kind(owner: OwnerService) -> str:
    return owner.source.strip("/").removesuffix("s")


@pytest.fixture
def path(owner: OwnerService) -> str:
    return f"{owner.source}/x/members"


async def create(client: httpx2.AsyncClient, owner: OwnerService, *keys: str) -> None:
    for key in keys:
        assert (await client.post(owner.source, json={"name": "Red", "id": key})).status_code == 201


async def users(client: httpx2.AsyncClient, path: str, **params: str | int) -> list[str]:
    return [item["user"] for item in (await client.get(path, params=params)).json()["items"]]


def outcome(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def test_user_is_added_removed_and_added_again(
    client: httpx2.AsyncClient, owner: OwnerService, kind: str, path: str, tether: RecordingTether
) -> None:
    await create(client, owner, "x")
    added = await client.post(path, json={"user": "ann"})
    assert (added.status_code, added.headers["etag"]) == (201, '"1"')
    assert added.json() == {"id": "x/ann", "version": 1, kind: "x", "user": "ann"}
    assert (await client.get(path)).json() == {"items": [added.json()]}
    assert (await client.delete(f"{path}/ann")).status_code == 204
    assert await users(client, path) == []
    assert (await client.post(path, json={"user": "ann"})).status_code == 201
    fact = f"{kind.title()}Member"
    facts: list[tuple[Any, ...]] = [
        (fact["type"], fact["subject"], fact["sequence"], fact["data"]) for fact in (await tether.heard(4))[1:]
    ]
    assert facts == [
        (f"{fact}Added.v1", "x/ann", "1", {kind: "x", "user": "ann"}),
        (f"{fact}Removed.v1", "x/ann", "2", {}),
        (f"{fact}Added.v1", "x/ann", "3", {kind: "x", "user": "ann"}),
    ]


async def test_member_is_not_added_twice(
    client: httpx2.AsyncClient, owner: OwnerService, path: str, tether: RecordingTether
) -> None:
    await create(client, owner, "x")
    first = await client.post(path, json={"user": "ann"})
    again = await client.post(path, json={"user": "ann"}, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, first.json(), '"1"')
    [counted] = (await client.get("/commands")).json()["items"]
    assert (counted["attempts"], counted["effects"]) == (1, 0)
    await create(client, owner, "end")
    assert [fact["subject"] for fact in await tether.heard(3)] == ["x", "x/ann", "end"]


async def test_repeated_addition_gets_the_same_answer(
    client: httpx2.AsyncClient, owner: OwnerService, path: str
) -> None:
    await create(client, owner, "x")
    keyed = {"Idempotency-Key": "one"}
    first, second = [await client.post(path, json={"user": "ann"}, headers=keyed) for _ in range(2)]
    assert (first.status_code, first.content) == (second.status_code, second.content) == (201, first.content)
    other = await client.post(path, json={"user": "bob"}, headers=keyed)
    assert outcome(other) == (422, "/problems/key-reused")


async def test_member_of_an_unknown_or_deleted_group_is_refused(
    client: httpx2.AsyncClient, owner: OwnerService, path: str
) -> None:
    assert outcome(await client.post(path, json={"user": "ann"})) == (404, "/problems/unknown")
    assert outcome(await client.get(path)) == (404, "/problems/unknown")
    await create(client, owner, "x")
    await client.post(path, json={"user": "ann"})
    await client.delete(f"{owner.source}/x")
    for user in ("bob", "ann"):
        assert outcome(await client.post(path, json={"user": user})) == (410, "/problems/deleted")


async def test_memberships_outlive_their_group_and_can_be_removed_then(
    client: httpx2.AsyncClient, owner: OwnerService, kind: str, path: str, tether: RecordingTether
) -> None:
    await create(client, owner, "x")
    for user in ("ann", "bob"):
        await client.post(path, json={"user": user})
    await client.delete(f"{owner.source}/x")
    assert await users(client, path) == ["ann", "bob"]
    assert (await client.delete(f"{path}/ann")).status_code == 204
    assert await users(client, path) == ["bob"]
    types = [fact["type"] for fact in await tether.heard(5)][3:]
    assert types == [f"{kind.title()}Deleted.v1", f"{kind.title()}MemberRemoved.v1"]


async def test_user_who_is_not_a_member_cannot_be_removed(
    client: httpx2.AsyncClient, owner: OwnerService, path: str
) -> None:
    assert outcome(await client.delete(f"{path}/ann")) == (404, "/problems/unknown")
    await create(client, owner, "x")
    await client.post(path, json={"user": "ann"})
    await client.delete(f"{path}/ann")
    deleted = await client.delete(f"{path}/ann")
    assert outcome(deleted) == (410, "/problems/deleted")
    assert f"{owner.source.strip('/').removesuffix('s')} member 'x/ann' was deleted" in deleted.json()["detail"]


async def test_removal_checks_the_version(client: httpx2.AsyncClient, owner: OwnerService, path: str) -> None:
    await create(client, owner, "x")
    await client.post(path, json={"user": "ann"})
    refused = await client.delete(f"{path}/ann", headers={"If-Match": '"2"'})
    assert outcome(refused) == (412, "/problems/precondition")
    assert (await client.delete(f"{path}/ann", headers={"If-Match": '"1"'})).status_code == 204


@pytest.mark.parametrize("body", [{}, {"user": ""}, {"user": "a/b"}, {"user": "a b"}, {"user": 7}, []], ids=str)
async def test_invalid_user_is_refused(
    client: httpx2.AsyncClient, owner: OwnerService, path: str, body: object
) -> None:
    await create(client, owner, "x")
    assert outcome(await client.post(path, json=body)) == (422, "/problems/invalid")


async def test_pages_contain_the_members_of_one_group_only(
    client: httpx2.AsyncClient, owner: OwnerService, path: str
) -> None:
    await create(client, owner, "x", "x0", "x-", "w", "xx")
    for key in ("x", "x0", "x-", "w", "xx"):
        for user in ("ann", "bob", "eve"):
            await client.post(f"{owner.source}/{key}/members", json={"user": user})
    assert await users(client, path) == ["ann", "bob", "eve"]
    assert await users(client, path, limit=2) == ["ann", "bob"]
    assert await users(client, path, after="x/bob") == ["eve"]
    assert await users(client, path, after="x/eve") == []
    listed = (await client.get(owner.source)).json()["items"]
    assert [item["id"] for item in listed] == ["w", "x", "x-", "x0", "xx"], "memberships are not listed as groups"
