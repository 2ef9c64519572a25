"""Commands with a precondition, ``If-Match``: they have their effect on the version that was read, or none."""

import asyncio

import httpx2
import pytest

from examples.owner.service import OwnerService
from examples.owner.testing import RecordingTether

Headers = list[tuple[str, str]]


async def create(client: httpx2.AsyncClient, owner: OwnerService) -> httpx2.Response:
    return await client.post(owner.source, json={"name": "Red", "id": "x"})


def match(*values: str) -> Headers:
    return [("If-Match", value) for value in values]


async def test_answers_have_the_version_as_etag(client: httpx2.AsyncClient, owner: OwnerService) -> None:
    created = await create(client, owner)
    read = await client.get(f"{owner.source}/x")
    renamed = await client.patch(f"{owner.source}/x", json={"name": "Blue"})
    same = await client.patch(f"{owner.source}/x", json={"name": "Blue"})
    assert [answer.headers["etag"] for answer in (created, read, renamed, same)] == ['"1"', '"1"', '"2"', '"2"']


@pytest.mark.parametrize(
    "given",
    [match('"1"'), match("*"), match('"7", "1"'), match('W/"1","1"'), match(' , "1" ,'), match('"7"', '"1"'), []],
    ids=str,
)
async def test_change_with_a_condition_that_holds_is_made(
    client: httpx2.AsyncClient, owner: OwnerService, given: Headers
) -> None:
    await create(client, owner)
    changed = await client.patch(f"{owner.source}/x", json={"name": "Blue"}, headers=given)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)


@pytest.mark.parametrize(
    "given", [match('"2"'), match('W/"1"'), match('"01"'), match('""'), match('"2", "3"')], ids=str
)
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_command_for_another_version_has_no_effect(
    client: httpx2.AsyncClient, owner: OwnerService, tether: RecordingTether, method: str, given: Headers
) -> None:
    created = await create(client, owner)
    content = (
        b'{"name": "Red"}' if method == "PATCH" else b""
    )  # the present name: the condition is checked nevertheless
    answer = await client.request(
        method, f"{owner.source}/x", content=content, headers=[*given, ("Content-Type", "application/json")]
    )
    assert (answer.status_code, answer.json()["type"]) == (412, "/problems/precondition")
    assert "has version 1" in answer.json()["detail"]
    assert (await client.get(f"{owner.source}/x")).json() == created.json()
    await client.post(owner.source, json={"name": "after"})
    assert [fact["data"]["name"] for fact in await tether.heard(2)] == ["Red", "after"]


@pytest.mark.parametrize("value", ["1", "", '"1', '"1" "2"', '*, "1"', 'w/"1"', '"a b"', ", ,"], ids=repr)
async def test_malformed_condition_is_refused_and_not_stored_for_the_key(
    client: httpx2.AsyncClient, owner: OwnerService, value: str
) -> None:
    await create(client, owner)
    answer = await client.delete(f"{owner.source}/x", headers={"If-Match": value, "Idempotency-Key": "one"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")
    deleted = await client.delete(f"{owner.source}/x", headers={"If-Match": '"1"', "Idempotency-Key": "one"})
    assert deleted.status_code == 204


@pytest.mark.parametrize("value", ["*", '"1"'])
async def test_missing_entity_is_unknown_or_deleted_despite_the_condition(
    client: httpx2.AsyncClient, owner: OwnerService, value: str
) -> None:
    await create(client, owner)
    await client.delete(f"{owner.source}/x")
    for key, status in (("x", 410), ("y", 404)):
        for method in ("PATCH", "DELETE"):
            answer = await client.request(
                method, f"{owner.source}/{key}", json={"name": "Blue"}, headers={"If-Match": value}
            )
            assert answer.status_code == status


async def test_one_of_concurrent_changes_of_the_same_version_is_made(
    client: httpx2.AsyncClient, owner: OwnerService
) -> None:
    read = await create(client, owner)
    on = {"If-Match": read.headers["etag"]}
    async with asyncio.TaskGroup() as group:
        patches = [
            group.create_task(client.patch(f"{owner.source}/x", json={"name": f"n{n}"}, headers=on)) for n in range(10)
        ]
    assert sorted(patch.result().status_code for patch in patches) == [200] + [412] * 9
    assert (await client.get(f"{owner.source}/x")).json()["version"] == 2


async def test_412_is_stored_as_the_answer(client: httpx2.AsyncClient, owner: OwnerService) -> None:
    await create(client, owner)
    keyed = {"If-Match": '"2"', "Idempotency-Key": "one"}
    early = await client.delete(f"{owner.source}/x", headers=keyed)
    await client.patch(f"{owner.source}/x", json={"name": "Blue"})
    late = await client.delete(f"{owner.source}/x", headers=keyed)
    assert (early.status_code, early.content) == (late.status_code, late.content)
    assert (late.status_code, late.headers["idempotent-replayed"]) == (412, "true")
    [counted] = (await client.get("/commands")).json()["items"]
    assert (counted["attempts"], counted["effects"]) == (2, 0)


async def test_replayed_answer_has_the_etag_of_the_first_answer(
    client: httpx2.AsyncClient, owner: OwnerService
) -> None:
    keyed = {"Idempotency-Key": "one"}
    await client.post(owner.source, json={"name": "Red", "id": "x"}, headers=keyed)
    await client.patch(f"{owner.source}/x", json={"name": "Blue"})
    replayed = await client.post(owner.source, json={"name": "Red", "id": "x"}, headers=keyed)
    assert (replayed.headers["etag"], replayed.headers["idempotent-replayed"]) == ('"1"', "true")


@pytest.mark.parametrize("second", [match('"2"'), match("*"), []], ids=str)
async def test_same_key_with_another_condition_is_another_request(
    client: httpx2.AsyncClient, owner: OwnerService, second: Headers
) -> None:
    await create(client, owner)
    key = ("Idempotency-Key", "one")
    assert (await client.delete(f"{owner.source}/x", headers=[key, *match('"1"')])).status_code == 204
    other = await client.delete(f"{owner.source}/x", headers=[key, *second])
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")
