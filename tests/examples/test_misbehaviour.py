"""An owner that misbehaves on request: each failure happens, is counted, and is harmless with an Idempotency-Key."""

from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from examples.groups.service import GROUPS
from examples.owner.misbehaviour.settings import Misbehaviour, MisbehaviourSettings
from examples.owner.testing import RecordingTether, inside

WELL_BEHAVED = {
    "slow": {"share": 0, "seconds": 0},
    "unavailable_before": 0,
    "unavailable_after": 0,
    "busy": {"share": 0, "retry_after": 0},
    "dropped": 0,
    "duplicated": 0,
    "reordered": 0,
    "seed": None,
}


@pytest_asyncio.fixture
async def client(tmp_path: Path, tether: RecordingTether) -> AsyncIterator[httpx2.AsyncClient]:
    async with inside(GROUPS, tmp_path / "groups.db", tether, Misbehaviour()) as connected:
        yield connected


async def misbehave(client: httpx2.AsyncClient, **settings: object) -> None:
    answer = await client.put("/misbehaviour", json=settings)
    assert answer.status_code == 200, answer.text


async def struck(client: httpx2.AsyncClient) -> dict[str, int]:
    """Kind of failure → how often it happened, without those that did not happen."""
    found: dict[str, int] = (await client.get("/misbehaviour")).json()["struck"]
    return {way: times for way, times in found.items() if times}


async def counted(client: httpx2.AsyncClient) -> dict[str, tuple[int, int]]:
    """Key → (attempts, effects)."""
    items: list[dict[str, Any]] = (await client.get("/commands")).json()["items"]
    return {item["key"]: (item["attempts"], item["effects"]) for item in items}


async def create(client: httpx2.AsyncClient, key: str) -> httpx2.Response:
    body = {"id": key, "name": "Red"}
    return await client.post("/groups", json=body, headers={"Idempotency-Key": key})


async def test_owner_without_misbehaviour_has_no_such_endpoint(tmp_path: Path, tether: RecordingTether) -> None:
    async with inside(GROUPS, tmp_path / "groups.db", tether) as client:
        for method in ("GET", "PUT", "DELETE"):
            assert (await client.request(method, "/misbehaviour", json={"dropped": 1})).status_code == 404


async def test_owner_does_not_misbehave_before_settings_are_put(client: httpx2.AsyncClient) -> None:
    assert (await create(client, "x")).status_code == 201
    shown = (await client.get("/misbehaviour")).json()
    assert shown == {"settings": WELL_BEHAVED, "struck": dict.fromkeys(sorted(shown["struck"]), 0)}
    assert set(shown["struck"]) == set(WELL_BEHAVED) - {"seed"}


async def test_settings_replace_each_other_and_end_with_delete(client: httpx2.AsyncClient) -> None:
    first = await client.put("/misbehaviour", json={"unavailable_before": 1, "slow": {"share": 1, "seconds": 0.01}})
    assert first.json()["settings"] == WELL_BEHAVED | {"unavailable_before": 1, "slow": {"share": 1, "seconds": 0.01}}
    assert (await client.get("/groups")).status_code == 503
    await misbehave(client, busy={"share": 1, "retry_after": 7})
    assert (await client.get("/groups")).status_code == 429
    assert (await client.delete("/misbehaviour")).status_code == 204
    assert (await client.get("/groups")).status_code == 200
    assert (await client.get("/misbehaviour")).json()["settings"] == WELL_BEHAVED
    assert await struck(client) == {"slow": 1, "unavailable_before": 1, "busy": 1}


@pytest.mark.parametrize(
    "settings",
    [
        {"dropped": 1.1},
        {"dropped": -0.1},
        {"dropped": "often"},
        {"slow": {"share": 1, "seconds": -1}},
        {"slow": 0.5},
        {"busy": {"share": 1, "retry_after": 0.5}},
        {"explodes": 1},
        {"busy": {"share": 1, "until": 7}},
    ],
    ids=str,
)
async def test_invalid_settings_are_refused_and_change_nothing(client: httpx2.AsyncClient, settings: object) -> None:
    answer = await client.put("/misbehaviour", json=settings)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")
    assert (await client.get("/misbehaviour")).json()["settings"] == WELL_BEHAVED


async def test_endpoints_about_the_service_never_fail(client: httpx2.AsyncClient) -> None:
    await misbehave(client, unavailable_before=1, busy={"share": 1}, slow={"share": 1, "seconds": 600})
    for path in ("/misbehaviour", "/healthz", "/commands", "/outbox"):
        assert (await client.get(path)).status_code == 200
    assert (await client.post("/outbox/redrives")).status_code == 202
    assert await struck(client) == {}


async def test_slow_request_is_delayed_and_has_its_effect(client: httpx2.AsyncClient) -> None:
    await misbehave(client, slow={"share": 1, "seconds": 0.2})
    began = monotonic()
    assert (await create(client, "x")).status_code == 201
    assert monotonic() - began >= 0.2
    assert await struck(client) == {"slow": 1}
    assert await counted(client) == {"x": (1, 1)}


async def test_busy_answer_has_retry_after_and_no_effect(client: httpx2.AsyncClient) -> None:
    await misbehave(client, busy={"share": 1, "retry_after": 7})
    answer = await create(client, "x")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["type"]) == (429, "7", "/problems/busy")
    assert answer.headers["content-type"] == "application/problem+json"
    assert await counted(client) == {"x": (1, 0)}
    await client.delete("/misbehaviour")
    assert (await create(client, "x")).status_code == 201
    assert await counted(client) == {"x": (2, 1)}
    assert await struck(client) == {"busy": 1}


@pytest.mark.parametrize(("way", "effects"), [("unavailable_before", 0), ("unavailable_after", 1)])
async def test_unavailable_request_has_no_effect_or_has_its_effect(
    client: httpx2.AsyncClient, way: str, effects: int
) -> None:
    await misbehave(client, **{way: 1})
    for _ in range(3):
        answer = await create(client, "x")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert await counted(client) == {"x": (3, effects)}
    assert await struck(client) == {way: 3}
    await client.delete("/misbehaviour")
    assert len((await client.get("/groups")).json()["items"]) == effects
    answer = await create(client, "x")
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (201, bool(effects))
    assert await counted(client) == {"x": (4, 1)}


async def test_key_whose_first_attempt_failed_unread_belongs_to_one_request(client: httpx2.AsyncClient) -> None:
    await misbehave(client, unavailable_before=1)
    await create(client, "x")
    await client.delete("/misbehaviour")
    assert (await create(client, "x")).status_code == 201
    other = await client.delete("/groups/x", headers={"Idempotency-Key": "x"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")


async def test_reads_and_invalid_keys_are_not_counted_as_attempts(client: httpx2.AsyncClient) -> None:
    await misbehave(client, unavailable_before=1)
    await client.get("/groups", headers={"Idempotency-Key": "read"})
    await client.delete("/groups/x", headers={"Idempotency-Key": "k" * 256})
    await client.delete("/groups/x", headers={"Idempotency-Key": ""})
    await client.delete("/groups/x")
    assert await counted(client) == {}


async def test_shares_hold_and_the_same_seed_repeats_the_failures(client: httpx2.AsyncClient) -> None:
    settings = {"unavailable_before": 0.3, "busy": {"share": 0.2}, "seed": 7}

    async def statuses() -> list[int]:
        await misbehave(client, **settings)
        return [(await client.get("/groups")).status_code for _ in range(200)]

    first = await statuses()
    once = await struck(client)
    assert await statuses() == first
    assert set(first) == {200, 429, 503}
    assert once == {"unavailable_before": first.count(503), "busy": first.count(429)}
    assert await struck(client) == {way: 2 * times for way, times in once.items()}
    assert 20 <= first.count(429) <= 60  # 40 are expected; the seed makes the number the same on each run
    assert 25 <= first.count(503) <= 75  # 48


def test_misbehaviour_can_have_settings_from_the_start() -> None:
    chance = Misbehaviour(MisbehaviourSettings(dropped=1))
    assert chance.strikes("dropped", chance.settings.dropped)
    assert not chance.strikes("slow", chance.settings.slow.share)
    assert chance.struck == {"dropped": 1, "slow": 0}


async def test_server_that_cannot_drop_a_connection_answers_500(client: httpx2.AsyncClient) -> None:
    await misbehave(client, dropped=1)
    assert (await create(client, "x")).status_code == 500
    assert await struck(client) == {"dropped": 1}
