"""Owners that misbehave in every way, and kill -9 of the worker again and again: each effect once, and none missing."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from devstack.ports import free_port
from examples.owner.testing import OwnerProcess
from tests.support.eventually import eventually
from tests.support.processes import Running, running

pytestmark = [pytest.mark.faults, pytest.mark.stack, pytest.mark.slow]

TEAMS, LATE = 150, 15
DEATHS = 4
SEED = 20130101
EVERY_WAY = {
    "slow": {"share": 0.3, "seconds": 0.05},
    "unavailable_before": 0.3,
    "unavailable_after": 0.3,
    "busy": {"share": 0.3, "retry_after": 1},
    "dropped": 0.3,
    "duplicated": 0.3,
    "reordered": 0.3,
    "seed": SEED,
}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tether-") as path:
        Path(path).chmod(0o711)  # PostgreSQL may have to run as someone else
        yield Path(path)


@asynccontextmanager
async def festival(folder: Path) -> AsyncIterator[tuple[Running, httpx2.AsyncClient, httpx2.AsyncClient]]:
    """A stack, and events and teams as processes that can misbehave."""
    ports = {name: free_port() for name in ("events", "teams")}
    addresses = json.dumps({name: f"http://127.0.0.1:{port}" for name, port in ports.items()})
    async with running(folder, TETHER_OWNERS=addresses) as stack, AsyncExitStack() as owners:
        clients = []
        for name, port in ports.items():
            options = ("--key", stack.key, "--port", str(port), "--misbehave")
            owner = OwnerProcess(f"examples.{name}", folder / f"{name}.db", stack.stack_file["urls"]["api"], options)
            clients.append((await owners.enter_async_context(owner)).client)
        yield stack, clients[0], clients[1]


async def insist(client: httpx2.AsyncClient, method: str, path: str, key: str, **body: Any) -> int:
    """As a patient user: the same request with the same key, until there is an answer about it."""
    for _ in range(200):
        with contextlib.suppress(httpx2.TransportError):
            answer = await client.request(method, path, json=body or None, headers={"idempotency-key": key})
            if answer.status_code not in (429, 503):
                return answer.status_code
        await asyncio.sleep(0.01)
    raise AssertionError(f"{method} {path} never got an answer")


async def register(teams: httpx2.AsyncClient, *keys: str) -> None:
    for key in keys:
        assert await insist(teams, "POST", "/teams", f"user-{key}", id=key, name=key, event_id="A") == 201


async def test_each_team_of_a_deleted_event_is_deleted_once_whatever_dies(folder: Path) -> None:
    async with festival(folder) as (stack, events, teams):
        for event in ("A", "B"):
            assert await insist(events, "POST", "/events", f"user-{event}", id=event, name=event) == 201
        await register(teams, *(f"t{n}" for n in range(TEAMS)))
        for owner in (events, teams):
            (await owner.put("/misbehaviour", json=EVERY_WAY)).raise_for_status()
        assert await insist(events, "DELETE", "/events/A", "user-delete") == 204
        users = asyncio.create_task(go_on(teams))
        for _ in range(DEATHS):
            before = await seen_to(stack)
            await eventually(await stack.kill("worker"))

            async def further(than: int = before) -> bool:
                return await seen_to(stack) > than or await is_over(stack)

            await eventually(further)
        moved = await users
        await eventually(lambda: is_over(stack), 240)

        left = {team["id"]: team["event_id"] for team in await listed(teams, "/teams")}
        assert left == dict.fromkeys(moved, "B")
        commands = await listed(teams, "/commands", by="key")
        ours = [command for command in commands if not command["key"].startswith("user-")]
        assert sum(command["effects"] for command in ours) == TEAMS + LATE - len(moved)
        assert max(command["effects"] for command in ours) == 1
        assert sum(command["attempts"] for command in ours) > len(ours)
        struck = (await teams.get("/misbehaviour")).json()["struck"]
        assert all(struck.values()), struck
        rows = await stack.database("select type, count(*), count(distinct key) as keys from facts group by type")
        told = {row["type"]: (row["count"], row["keys"]) for row in rows}
        gone = TEAMS + LATE - len(moved)
        assert told["TeamDeleted.v1"] == (gone, gone)


async def go_on(teams: httpx2.AsyncClient) -> list[str]:
    """While the event is being cleared: late teams come, others leave it in time. Returns those that got away."""
    moved = []
    for n in range(LATE):
        await register(teams, f"late{n}")
        team = f"t{TEAMS - 1 - n}"
        if await insist(teams, "POST", f"/teams/{team}/moves", f"user-move-{n}", event_id="B") == 200:
            moved.append(team)
    return moved


async def seen_to(stack: Running) -> int:
    """Teams that the cascade is done with."""
    rows = await stack.database("select confirmed + skipped as count from operations where kind = 'cascade'")
    return int(rows[0]["count"]) if rows else 0


async def is_over(stack: Running) -> bool:
    """Every team of the event is gone, by the facts, and nothing is under way."""
    rows = await stack.database("""
        select (select count(*) from links where parent = 'A' and to_revision = 9223372036854775807)
             + (select count(*) from operations where state = 'running') + (select count(*) from outbox) as left
    """)
    return bool(rows[0]["left"] == 0)


async def listed(client: httpx2.AsyncClient, path: str, by: str = "id") -> list[dict[str, Any]]:
    """All items of an owner's list."""
    items: list[dict[str, Any]] = []
    while True:
        try:
            query = {"after": items[-1][by] if items else "", "limit": 1000}
            page = (await client.get(path, params=query)).raise_for_status().json()["items"]
        except (httpx2.TransportError, httpx2.HTTPStatusError):
            continue  # it still misbehaves
        if not page:
            return items
        items += page
