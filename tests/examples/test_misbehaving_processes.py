"""Misbehaving owners as processes: dropped connections, and all kinds of failure at once."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from examples.owner.testing import KEY, OwnerProcess, RecordingTether

BODY = b'{"name": "Red"}'
COMMANDS = 60
MOST_ATTEMPTS = 60
"""Attempts of one command: three of four requests fail, so the probability of so many in a row is below 1e-7."""

STORM = {
    "slow": {"share": 0.1, "seconds": 0.02},
    "unavailable_before": 0.15,
    "unavailable_after": 0.15,
    "busy": {"share": 0.15, "retry_after": 0},
    "dropped": 0.3,
    "duplicated": 0.3,
    "reordered": 0.3,
    "seed": 1,
}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def misbehaving(module: str, database: Path, listener: socket.socket) -> OwnerProcess:
    tether = f"http://127.0.0.1:{listener.getsockname()[1]}"
    return OwnerProcess(module, database, tether, ("--key", KEY, "--misbehave"))


async def counted(client: httpx2.AsyncClient) -> dict[str, tuple[int, int]]:
    """Key → (attempts, effects)."""
    items: list[dict[str, Any]] = (await client.get("/commands")).json()["items"]
    return {item["key"]: (item["attempts"], item["effects"]) for item in items}


async def sent(url: httpx2.URL, key: str) -> bytes:
    """All bytes of the answer to a command, over a new connection; empty if it is reset."""
    assert url.port
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST /groups HTTP/1.1\r\nHost: x\r\nIdempotency-Key: {key}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
    try:
        async with asyncio.timeout(30):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_dropped_connections_send_no_byte_and_half_follow_the_effect(
    tmp_path: Path, listener: socket.socket
) -> None:
    keys = [f"k{number}" for number in range(40)]
    async with misbehaving("examples.groups", tmp_path / "owner.db", listener) as process:
        await process.client.put("/misbehaviour", json={"dropped": 1, "seed": 1})
        assert await asyncio.gather(*(sent(process.client.base_url, key) for key in keys)) == [b""] * 40
        with pytest.raises(httpx2.TransportError):
            await process.client.get("/groups")
        first = await counted(process.client)
        assert (await process.client.get("/misbehaviour")).json()["struck"]["dropped"] == 41
        await process.client.delete("/misbehaviour")
        for key in keys:
            headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
            answer = await process.client.post("/groups", content=BODY, headers=headers)
            assert answer.status_code == 201
            assert ("idempotent-replayed" in answer.headers) == bool(first[key][1])
        second = await counted(process.client)
        assert len((await process.client.get("/groups")).json()["items"]) == 40
        assert await process.stop() == 0
    assert {attempts for attempts, _ in first.values()} == {1}
    assert 10 <= sum(effects for _, effects in first.values()) <= 30
    assert second == dict.fromkeys(keys, (2, 1))


@pytest.mark.parametrize("name", ["events", "teams"])
async def test_owner_without_the_option_cannot_misbehave(tmp_path: Path, listener: socket.socket, name: str) -> None:
    process = OwnerProcess(f"examples.{name}", tmp_path / "owner.db", f"http://127.0.0.1:{listener.getsockname()[1]}")
    async with process:
        assert (await process.client.put("/misbehaviour", json={"dropped": 1})).status_code == 404
        assert (await process.client.post(f"/{name}", json={"name": "Red"})).status_code == 201


class Caller:
    """Repeats commands until they succeed, and counts the attempts."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self.attempts: Counter[str] = Counter()

    async def send_until_done(self, key: str, method: str, path: str, body: object = None) -> None:
        for _ in range(MOST_ATTEMPTS):
            self.attempts[key] += 1
            try:
                answer = await self._client.request(method, path, json=body, headers={"Idempotency-Key": key})
            except httpx2.TransportError:
                continue
            if answer.is_success:
                return
            assert answer.status_code in (429, 503), answer.text
        raise AssertionError(f"{key}: {MOST_ATTEMPTS} attempts have failed")

    async def create_to_delete(self, team: str) -> None:
        """Sends four commands about a team, each after the one before has succeeded."""
        await self.send_until_done(f"{team}-create", "POST", "/teams", {"id": team, "name": "Red", "event_id": "a"})
        await self.send_until_done(f"{team}-move", "POST", f"/teams/{team}/moves", {"event_id": "b", "still_in": "a"})
        await self.send_until_done(f"{team}-withdraw", "DELETE", f"/teams/{team}/event?still_in=b")
        await self.send_until_done(f"{team}-delete", "DELETE", f"/teams/{team}")


async def test_commands_with_a_key_have_one_effect_under_all_failures(
    tmp_path: Path, listener: socket.socket, tether: RecordingTether
) -> None:
    async with (
        tether.listening(listener),
        misbehaving("examples.teams", tmp_path / "owner.db", listener) as process,
    ):
        await process.client.put("/misbehaviour", json=STORM)
        caller, teams = Caller(process.client), [f"t{number}" for number in range(COMMANDS // 4)]
        await asyncio.gather(*(caller.create_to_delete(team) for team in teams))
        facts = await tether.heard(COMMANDS)
        found = await counted(process.client)
        struck = (await process.client.get("/misbehaviour")).json()["struck"]
    assert {key: attempts for key, (attempts, _) in found.items()} == caller.attempts
    assert {effects for _, effects in found.values()} == {1}
    assert len(found) == COMMANDS
    published = Counter((fact["subject"], fact["sequence"]) for fact in facts)
    assert published == Counter((team, str(version)) for team in teams for version in (1, 2, 3, 4))
    assert min(struck.values()) > 0, struck
    assert sum(caller.attempts.values()) > COMMANDS * 1.5
