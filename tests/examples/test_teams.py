"""Teams: a name, and the key of the event in which a team takes part, which Teams stores as a text."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from examples.owner.testing import RecordingTether, inside
from examples.teams.service import TEAMS


@pytest_asyncio.fixture
async def client(tmp_path: Path, tether: RecordingTether) -> AsyncIterator[httpx2.AsyncClient]:
    async with inside(TEAMS, tmp_path / "teams.db", tether) as connected:
        await connected.post("/teams", json={"id": "t", "name": "Red", "event_id": "a"})
        await connected.post("/teams", json={"id": "free", "name": "Blue"})
        yield connected


async def published_facts(client: httpx2.AsyncClient, tether: RecordingTether) -> list[tuple[Any, ...]]:
    """(type, subject, sequence, data) of each fact that was published after the fixture's two teams."""
    await client.post("/teams", json={"id": "end", "name": "End"})
    outbox = (await client.get("/outbox")).json()
    facts = await tether.heard(outbox["pending"] + outbox["published"])
    assert [fact["subject"] for fact in (*facts[:2], facts[-1])] == ["t", "free", "end"]
    return [(fact["type"], fact["subject"], fact["sequence"], fact["data"]) for fact in facts[2:-1]]


def outcome(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


PRECONDITION = (412, "/problems/precondition")


async def test_team_is_created_in_an_event_or_in_none(client: httpx2.AsyncClient, tether: RecordingTether) -> None:
    assert (await client.get("/teams/t")).json() == {"id": "t", "version": 1, "name": "Red", "event_id": "a"}
    assert (await client.get("/teams/free")).json()["event_id"] is None
    facts = await tether.heard(2)
    assert [(fact["type"], fact["data"]) for fact in facts] == [
        ("TeamCreated.v1", {"name": "Red", "event_id": "a"}),
        ("TeamCreated.v1", {"name": "Blue", "event_id": None}),
    ]


async def test_rename_does_not_change_the_event(client: httpx2.AsyncClient, tether: RecordingTether) -> None:
    renamed = await client.patch("/teams/t", json={"name": "Green"})
    assert renamed.json() == {"id": "t", "version": 2, "name": "Green", "event_id": "a"}
    assert await published_facts(client, tether) == [("TeamRenamed.v1", "t", "2", {"name": "Green"})]


@pytest.mark.parametrize("stated", [{"still_in": "a"}, {}])
async def test_team_moves_to_another_event(
    client: httpx2.AsyncClient, tether: RecordingTether, stated: dict[str, str]
) -> None:
    moved = await client.post("/teams/t/moves", json={"event_id": "b", **stated})
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
    assert moved.json() == {"id": "t", "version": 2, "name": "Red", "event_id": "b"}
    assert await published_facts(client, tether) == [("TeamMoved.v1", "t", "2", {"event_id": "b"})]


async def test_move_to_the_present_event_publishes_no_fact(client: httpx2.AsyncClient, tether: RecordingTether) -> None:
    for stated in ({}, {"still_in": "a"}):
        moved = await client.post("/teams/t/moves", json={"event_id": "a", **stated})
        assert (moved.status_code, moved.json()["version"]) == (200, 1)
    assert await published_facts(client, tether) == []


async def test_team_in_an_event_is_not_moved_when_expected_in_none(
    client: httpx2.AsyncClient, tether: RecordingTether
) -> None:
    moved = await client.post("/teams/t/moves", json={"event_id": "b", "still_in": None})
    assert outcome(moved) == PRECONDITION
    assert "is in 'a', not in no event" in moved.json()["detail"]
    moved = await client.post("/teams/free/moves", json={"event_id": "b", "still_in": None})
    assert moved.json()["event_id"] == "b"


@pytest.mark.parametrize("key", ["t", "free"])
async def test_team_in_another_event_than_expected_is_not_moved_or_deleted(
    client: httpx2.AsyncClient, tether: RecordingTether, key: str
) -> None:
    moved = await client.post(f"/teams/{key}/moves", json={"event_id": "b", "still_in": "elsewhere"})
    deleted = await client.delete(f"/teams/{key}", params={"still_in": "elsewhere"})
    assert outcome(moved) == outcome(deleted) == PRECONDITION
    assert "not in 'elsewhere'" in moved.json()["detail"]
    assert await published_facts(client, tether) == []


@pytest.mark.parametrize("params", [{}, {"still_in": "a"}])
async def test_team_is_deleted_and_created_again(
    client: httpx2.AsyncClient, tether: RecordingTether, params: dict[str, str]
) -> None:
    assert (await client.delete("/teams/t", params=params)).status_code == 204
    assert outcome(await client.get("/teams/t")) == (410, "/problems/deleted")
    await client.post("/teams", json={"id": "t", "name": "Red"})
    assert await published_facts(client, tether) == [
        ("TeamDeleted.v1", "t", "2", {}),
        ("TeamCreated.v1", "t", "3", {"name": "Red", "event_id": None}),
    ]


@pytest.mark.parametrize("params", [{}, {"still_in": "a"}])
async def test_repeated_withdrawal_has_one_effect(
    client: httpx2.AsyncClient, tether: RecordingTether, params: dict[str, str]
) -> None:
    assert (await client.delete("/teams/t/event", params=params)).status_code == 204
    again = await client.delete("/teams/t/event", params=params, headers={"Idempotency-Key": "again"})
    assert again.status_code == 204
    assert (await client.get("/teams/t")).json()["event_id"] is None
    assert await published_facts(client, tether) == [("TeamMoved.v1", "t", "2", {"event_id": None})]
    [counted] = (await client.get("/commands")).json()["items"]
    assert (counted["attempts"], counted["effects"]) == (1, 0)


async def test_team_of_another_event_is_not_withdrawn(client: httpx2.AsyncClient, tether: RecordingTether) -> None:
    assert outcome(await client.delete("/teams/t/event", params={"still_in": "elsewhere"})) == PRECONDITION
    assert await published_facts(client, tether) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/teams/t", {"name": "Red"}),
        ("POST", "/teams/t/moves", {"event_id": "a"}),
        ("DELETE", "/teams/free/event", None),
        ("DELETE", "/teams/t", None),
    ],
)
async def test_every_command_checks_the_version(
    client: httpx2.AsyncClient, tether: RecordingTether, method: str, path: str, body: object
) -> None:
    refused = await client.request(method, path, json=body, headers={"If-Match": '"2"'})
    assert outcome(refused) == PRECONDITION
    assert await published_facts(client, tether) == []
    assert (await client.request(method, path, json=body, headers={"If-Match": '"1"'})).is_success


async def test_commands_for_missing_teams_answer_404_or_410(client: httpx2.AsyncClient) -> None:
    await client.delete("/teams/t")
    for key, expected in (("t", (410, "/problems/deleted")), ("never", (404, "/problems/unknown"))):
        assert outcome(await client.patch(f"/teams/{key}", json={"name": "Red"})) == expected
        assert outcome(await client.post(f"/teams/{key}/moves", json={"event_id": "b", "still_in": "a"})) == expected
        assert outcome(await client.delete(f"/teams/{key}/event", params={"still_in": "a"})) == expected
        assert outcome(await client.delete(f"/teams/{key}", params={"still_in": "a"})) == expected
        assert outcome(await client.get(f"/teams/{key}")) == expected


async def test_invalid_input_is_refused(client: httpx2.AsyncClient) -> None:
    answers = [
        await client.post("/teams", json={}),
        await client.post("/teams", json={"name": "Red", "event_id": ""}),
        await client.post("/teams", json={"name": "Red", "event_id": 7}),
        await client.patch("/teams/t", json={"name": "a\nb"}),
        await client.post("/teams/t/moves", json={}),
        await client.post("/teams/t/moves", json={"event_id": None}),
        await client.post("/teams/t/moves", json={"event_id": "a/b"}),
        await client.delete("/teams/t", params={"still_in": ""}),
        await client.delete("/teams/t/event", params={"still_in": "a b"}),
        await client.get("/teams", params={"limit": 0}),
    ]
    assert {outcome(answer) for answer in answers} == {(422, "/problems/invalid")}
    refused = await client.post("/teams", json={"id": "t", "name": "Red"})
    assert outcome(refused) == (409, "/problems/exists")


async def test_teams_are_listed_by_event(client: httpx2.AsyncClient) -> None:
    for key in "zyx":
        await client.post("/teams", json={"id": key, "name": "Red", "event_id": "a"})
    await client.delete("/teams/y")

    async def listed(**params: str | int) -> list[str]:
        return [team["id"] for team in (await client.get("/teams", params=params)).json()["items"]]

    assert await listed() == ["free", "t", "x", "z"]
    assert await listed(event_id="a") == ["t", "x", "z"]
    assert await listed(event_id="a", limit=1, after="t") == ["x"]
    assert await listed(event_id="nowhere") == []


async def test_expected_event_is_part_of_the_request_of_a_key(client: httpx2.AsyncClient) -> None:
    keyed = {"Idempotency-Key": "one"}
    first = await client.delete("/teams/t", params={"still_in": "b"}, headers=keyed)
    other = await client.delete("/teams/t", params={"still_in": "a"}, headers=keyed)
    await client.post("/teams/t/moves", json={"event_id": "b"})
    again = await client.delete("/teams/t", params={"still_in": "b"}, headers=keyed)
    assert outcome(first) == outcome(again) == PRECONDITION
    assert again.headers["idempotent-replayed"] == "true"
    assert outcome(other) == (422, "/problems/key-reused")
    assert (await client.get("/teams/t")).status_code == 200
