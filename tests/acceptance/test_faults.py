"""Owners that fail in every way, and repeated kill -9 of the worker: each command has its effect exactly once."""

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
from tests.support.sampling import THOROUGH

pytestmark = [pytest.mark.faults, pytest.mark.stack, pytest.mark.slow]

TEAMS, LATE = (150, 15) if THOROUGH else (80, 10)
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
        Path(path).chmod(0o711)  # PostgreSQL may have to run as another user
        yield Path(path)


@asynccontextmanager
async def festival(folder: Path) -> AsyncIterator[tuple[Running, httpx2.AsyncClient, httpx2.AsyncClient]]:
    """Runs a stack, and the owners events and teams as processes that can misbehave. Yields stack and clients."""
    ports = {name: free_port() for name in ("events", "teams")}
    addresses = json.dumps({name: f"http://127.0.0.1:{port}" for name, port in ports.items()})
    async with running(folder, TETHER_OWNERS=addresses) as stack, AsyncExitStack() as owners:
        clients = []
        for name, port in ports.items():
            options = ("--key", stack.key, "--port", str(port), "--misbehave")
            owner = OwnerProcess(f"examples.{name}", folder / f"{name}.db", stack.stack_file["urls"]["api"], options)
            clients.append((await owners.enter_async_context(owner)).client)
        yield stack, clients[0], clients[1]


async def request_until_answered(client: httpx2.AsyncClient, method: str, path: str, key: str, **body: Any) -> int:
    """Repeats a request with the same Idempotency-Key until it is processed; returns the HTTP status."""

    async def answer() -> int:
        with contextlib.suppress(httpx2.TransportError):
            response = await client.request(method, path, json=body or None, headers={"idempotency-key": key})
            if response.status_code not in (429, 503):
                return response.status_code
        return 0

    return await eventually(answer)


async def register(teams: httpx2.AsyncClient, *keys: str) -> None:
    for key in keys:
        assert (
            await request_until_answered(teams, "POST", "/teams", f"user-{key}", id=key, name=key, event_id="A") == 201
        )


async def test_each_team_of_a_deleted_event_is_deleted_once_despite_failures(folder: Path) -> None:
    async with festival(folder) as (stack, events, teams):
        for event in ("A", "B"):
            assert await request_until_answered(events, "POST", "/events", f"user-{event}", id=event, name=event) == 201
        await register(teams, *(f"t{n}" for n in range(TEAMS)))
        for owner in (events, teams):
            (await owner.put("/misbehaviour", json=EVERY_WAY)).raise_for_status()
        assert await request_until_answered(events, "DELETE", "/events/A", "user-delete") == 204
        users = asyncio.create_task(enter_and_leave(teams))
        for _ in range(DEATHS):
            before = await finished_teams(stack)
            await eventually(await stack.kill("worker"))

            async def further(than: int = before) -> bool:
                return await finished_teams(stack) > than or await is_finished(stack)

            await eventually(further)
        moved = await users
        await eventually(lambda: is_finished(stack), 240)

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
        counts = {row["type"]: (row["count"], row["keys"]) for row in rows}
        deleted = TEAMS + LATE - len(moved)
        assert counts["TeamDeleted.v1"] == (deleted, deleted)


async def enter_and_leave(teams: httpx2.AsyncClient) -> list[str]:
    """Enters late teams for the deleted event, and moves others to event B. Returns the keys of those moved in time."""
    moved = []
    for n in range(LATE):
        await register(teams, f"late{n}")
        team = f"t{TEAMS - 1 - n}"
        if await request_until_answered(teams, "POST", f"/teams/{team}/moves", f"user-move-{n}", event_id="B") == 200:
            moved.append(team)
    return moved


async def finished_teams(stack: Running) -> int:
    """Number of teams that the cascade has confirmed or skipped."""
    rows = await stack.database("select confirmed + skipped as count from operations where kind = 'cascade'")
    return int(rows[0]["count"]) if rows else 0


async def is_finished(stack: Running) -> bool:
    """Whether event A has no links, no operation is running and the outbox is empty."""
    rows = await stack.database("""
        select (select count(*) from links where parent = 'A' and to_revision = 9223372036854775807)
             + (select count(*) from operations where state = 'running') + (select count(*) from outbox) as left
    """)
    return bool(rows[0]["left"] == 0)


async def listed(client: httpx2.AsyncClient, path: str, by: str = "id") -> list[dict[str, Any]]:
    """All items of an owner's listing, page by page. ``by``: the field by which it is ordered."""
    items: list[dict[str, Any]] = []
    while True:
        try:
            query = {"after": items[-1][by] if items else "", "limit": 1000}
            page = (await client.get(path, params=query)).raise_for_status().json()["items"]
        except (httpx2.TransportError, httpx2.HTTPStatusError):
            continue  # the owner still misbehaves
        if not page:
            return items
        items += page
