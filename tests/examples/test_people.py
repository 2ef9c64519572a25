"""People, tickets and activities: each keeps the keys that it was given, whatever becomes of profiles."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from examples.activities.service import ACTIVITIES
from examples.owner.testing import RecordingTether, inside
from examples.people.service import PEOPLE
from examples.tickets.service import TICKETS

EMAIL = "ann@example.org"
RETIRE = {"survivor": EMAIL}


@pytest_asyncio.fixture
async def people(tmp_path: Path, tether: RecordingTether) -> AsyncIterator[httpx2.AsyncClient]:
    """People with the profiles u-17 and ann@example.org."""
    async with inside(PEOPLE, tmp_path / "people.db", tether) as connected:
        for key in ("u-17", EMAIL):
            await connected.post("/people", json={"id": key, "name": "Ann"})
        yield connected


@pytest_asyncio.fixture
async def tickets(tmp_path: Path, tether: RecordingTether) -> AsyncIterator[httpx2.AsyncClient]:
    """Tickets with the ticket t of u-17."""
    async with inside(TICKETS, tmp_path / "tickets.db", tether) as connected:
        await connected.post("/tickets", json={"id": "t", "subject": "Help", "person_id": "u-17"})
        yield connected


def outcome(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def test_repeated_retirement_has_one_effect(people: httpx2.AsyncClient, tether: RecordingTether) -> None:
    once = {"idempotency-key": "once", "correlation-id": "c"}
    answers = [await people.post("/people/u-17/retirements", json=RETIRE, headers=once) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert outcome(await people.post("/people/u-17/retirements", json=RETIRE)) == (410, "/problems/deleted")
    await people.post("/people", json={"id": "end", "name": "End"})
    facts = await tether.heard(4)
    assert [(fact["type"], fact["subject"]) for fact in facts[2:]] == [
        ("PersonDeleted.v1", "u-17"),
        ("PersonCreated.v1", "end"),
    ]
    assert facts[2]["correlationid"] == "c"


@pytest.mark.parametrize("survivor", ["u-17", "never"])
async def test_profile_is_not_retired_without_another_that_exists(people: httpx2.AsyncClient, survivor: str) -> None:
    answer = await people.post("/people/u-17/retirements", json={"survivor": survivor})
    assert outcome(answer) == (409, "/problems/no-survivor")
    assert (await people.get("/people/u-17")).json()["version"] == 1


async def test_retired_profile_can_be_created_again_with_a_later_version(people: httpx2.AsyncClient) -> None:
    await people.post("/people/u-17/retirements", json=RETIRE)
    again = await people.post("/people", json={"id": "u-17", "name": "Ann"})
    assert (again.status_code, again.json()["version"]) == (201, 4)


async def test_ticket_of_another_person_is_not_removed_or_assigned(tickets: httpx2.AsyncClient) -> None:
    refused = [
        await tickets.delete("/tickets/t", params={"still_of": EMAIL}),
        await tickets.post("/tickets/t/assignments", json={"person_id": "u-18", "still_of": EMAIL}),
    ]
    assert {outcome(answer) for answer in refused} == {(412, "/problems/precondition")}
    assert (await tickets.get("/tickets", params={"person_id": "u-17"})).json()["items"][0]["version"] == 1


async def test_activity_keeps_its_stated_time_and_key(tmp_path: Path, tether: RecordingTether) -> None:
    async with inside(ACTIVITIES, tmp_path / "activities.db", tether) as activities:
        body = {"person_id": "u-17", "what": "called", "time": "2026-01-31T13:00:00+01:00"}
        assert (await activities.post("/activities", json=body)).status_code == 201
        assert (await activities.post("/activities", json={**body, "time": "2026-01-31T13:00:00"})).status_code == 422
        (fact,) = await tether.heard(1)
    assert fact["time"] == "2026-01-31T12:00:00.000Z"
    assert fact["data"] == {"person_id": "u-17", "what": "called"}
