"""Commands with an Idempotency-Key have their effect once, however often they are sent."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import Response

from examples.owner import idempotency
from examples.owner.database import Database, Transaction
from examples.owner.idempotency import Commands, IncomingCommand
from examples.owner.problems import RequestRefused
from examples.owner.service import OwnerService
from examples.owner.testing import RecordingTether, inside

KEYED = {"Idempotency-Key": "one"}


async def counted(client: httpx2.AsyncClient) -> dict[str, tuple[int, int]]:
    """Key → (attempts, effects)."""
    items: list[dict[str, Any]] = (await client.get("/commands")).json()["items"]
    return {item["key"]: (item["attempts"], item["effects"]) for item in items}


async def test_repeated_command_gets_the_same_answer(
    client: httpx2.AsyncClient, owner: OwnerService, tether: RecordingTether
) -> None:
    first, second = [await client.post(owner.source, json={"name": "Red"}, headers=KEYED) for _ in range(2)]
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.headers["content-type"] == second.headers["content-type"]
    assert ("idempotent-replayed" in first.headers, second.headers["idempotent-replayed"]) == (False, "true")
    await client.post(owner.source, json={"name": "after"})
    assert [fact["data"]["name"] for fact in await tether.heard(2)] == ["Red", "after"]
    assert await counted(client) == {"one": (2, 1)}


async def test_stored_answer_outlives_the_process_and_later_changes(
    owner: OwnerService, tmp_path: Path, tether: RecordingTether
) -> None:
    answers = []
    for name in ("Blue", "Green"):
        async with inside(owner, tmp_path / "owner.db", tether) as client:
            answers.append(await client.post(owner.source, json={"name": "Red", "id": "x"}, headers=KEYED))
            await client.patch(f"{owner.source}/x", json={"name": name})
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotent-replayed"] == "true"


async def test_key_is_refused_for_another_request(client: httpx2.AsyncClient, owner: OwnerService) -> None:
    path = owner.source
    created = await client.post(path, json={"name": "Red", "id": "x"}, headers=KEYED)
    others = [
        await client.post(path, json={"name": "Blue", "id": "x"}, headers=KEYED),
        await client.patch(f"{path}/x", json={"name": "Red", "id": "x"}, headers=KEYED),
        await client.delete(f"{path}/x", headers=KEYED),
    ]
    for other in others:
        assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")
    assert (await client.get(f"{path}/x")).json() == created.json()
    assert await counted(client) == {"one": (4, 1)}


async def test_refusal_is_stored_as_the_answer(client: httpx2.AsyncClient, owner: OwnerService) -> None:
    path = owner.source
    early = await client.delete(f"{path}/x", headers=KEYED)
    await client.post(path, json={"name": "Red", "id": "x"})
    late = await client.delete(f"{path}/x", headers=KEYED)
    assert (early.status_code, early.content) == (late.status_code, late.content)
    assert late.status_code == 404
    assert (await client.get(f"{path}/x")).status_code == 200
    assert await counted(client) == {"one": (2, 0)}


async def test_simultaneous_repetitions_have_one_effect(
    client: httpx2.AsyncClient, owner: OwnerService, tether: RecordingTether
) -> None:
    async with asyncio.TaskGroup() as group:
        posts = [group.create_task(client.post(owner.source, json={"name": "Red"}, headers=KEYED)) for _ in range(20)]
    assert len({post.result().content for post in posts}) == 1
    assert sum("idempotent-replayed" in post.result().headers for post in posts) == 19
    assert await counted(client) == {"one": (20, 1)}
    assert len((await client.get(owner.source)).json()["items"]) == 1


async def test_different_keys_are_different_commands(client: httpx2.AsyncClient, owner: OwnerService) -> None:
    for key in ("one", "two"):
        await client.post(owner.source, json={"name": "Red"}, headers={"Idempotency-Key": key})
    assert await counted(client) == {"one": (1, 1), "two": (1, 1)}
    assert len((await client.get(owner.source)).json()["items"]) == 2


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_key_has_1_to_255_characters(client: httpx2.AsyncClient, owner: OwnerService, key: str) -> None:
    answer = await client.post(owner.source, json={"name": "Red"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")


def test_refusal_rolls_back_what_the_effect_has_written(tmp_path: Path) -> None:
    database = Database(tmp_path / "owner.db", idempotency.SCHEMA, "CREATE TABLE IF NOT EXISTS things (name)")
    commands = Commands(database)

    def effect(tx: Transaction) -> Response:
        tx.execute("INSERT INTO things VALUES ('Red')")
        raise RequestRefused(409, "exists", "There is a red one.")

    assert commands.once(IncomingCommand("one", "hash"), effect).status_code == 409
    assert database.read("SELECT * FROM things") == []
    [counted] = commands.report("", 10)
    assert (counted["attempts"], counted["effects"]) == (1, 0)
    database.close()


def test_failed_attempt_has_no_effect_and_is_counted(tmp_path: Path) -> None:
    database = Database(tmp_path / "owner.db", idempotency.SCHEMA, "CREATE TABLE IF NOT EXISTS things (name)")
    commands, command = Commands(database), IncomingCommand("one", "hash")

    fires = iter([True, False])

    def effect(tx: Transaction) -> Response:
        tx.execute("INSERT INTO things VALUES ('Red')")
        if next(fires):
            raise OSError("the disk caught fire")
        return Response("done", 201)

    with pytest.raises(OSError, match="fire"):
        commands.once(command, effect)
    assert database.read("SELECT * FROM things") == []
    assert commands.once(command, effect).status_code == 201
    assert commands.once(command, effect).headers["idempotent-replayed"] == "true"
    assert len(database.read("SELECT * FROM things")) == 1
    [counted] = commands.report("", 10)
    assert (counted["attempts"], counted["effects"]) == (3, 1)
    database.close()
