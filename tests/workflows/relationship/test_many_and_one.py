"""A single command to an owner that is busy with large cascades."""

import asyncio

import httpx2
import pytest

from gateways.owner import OF_MANY
from gateways.owners import AT_ONCE
from messages.operation_reasons import describe_operation
from tests.support.eventually import eventually
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack

SLOTS_OF_MANY = int(AT_ONCE * OF_MANY)


class Slow(httpx2.AsyncBaseTransport):
    """An owner that answers deletions when ``gate`` is set, and all other requests at once."""

    def __init__(self, owner: httpx2.AsyncBaseTransport) -> None:
        self.owner = owner
        self.gate = asyncio.Event()
        self.held = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "DELETE":
            self.held += 1
            await self.gate.wait()
        return await self.owner.handle_async_request(request)


async def test_move_does_not_wait_behind_slow_deletions(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    slow = Slow(scenario.transport.owners["teams"])
    await scenario.create_events("a", "b", "c", "d")
    for event in ("a", "b"):
        await scenario.create_teams(event, *(f"{event}{n}" for n in range(AT_ONCE)))
    await scenario.create_teams("c", "t")
    scenario.transport.owners["teams"] = slow
    for event in ("a", "b"):
        await scenario.request_owner("events", "DELETE", f"/events/{event}")

    async def all_held() -> bool:
        return slow.held == SLOTS_OF_MANY

    await eventually(all_held)
    row = await harness.wait_for_operation(await scenario.request_move("t", "d"), "done")
    assert (describe_operation(row), slow.held) == ("", SLOTS_OF_MANY)
    slow.gate.set()
    for event in ("a", "b"):
        await scenario.wait_for_cascade(event)
    assert await scenario.teams_at_owner() == {"t": "d"}
