"""No loops: the facts, revisions and commands of each scenario, counted once nothing is under way."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from examples.channels.service import CHANNELS
from examples.events.service import EVENTS
from examples.groups.service import GROUPS
from examples.teams.service import TEAMS
from facts.correlation import encode_operation
from store.operations import deletions, moves
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack

OWNERS = {"events": EVENTS, "teams": TEAMS, "groups": GROUPS, "channels": CHANNELS}


class Cost(NamedTuple):
    """Recorded facts, the number of their revisions, and commands sent to owners, repeated ones counted once."""

    facts: list[str]
    revisions: int
    commands: list[str]


class Ledger:
    """Counts what was recorded and sent since the last call of ``cost``."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._facts: set[tuple[str, str]] = set()
        self._revision = 0
        self._requests = 0

    async def cost(self, facts: int) -> Cost:
        """Waits for this many new facts, and until nothing is under way; returns the cost since the last call."""
        harness, scenario = self._scenario.harness, self._scenario
        rows = []

        async def are_there() -> bool:
            nonlocal rows
            rows = await harness.pool.fetch("select source, id, type from facts where tenant = $1", harness.tenant)
            return len(rows) - len(self._facts) >= facts and await self._is_quiet()

        await eventually(are_there)
        found = sorted(row["type"] for row in rows if (row["source"], row["id"]) not in self._facts)
        head = await harness.pool.fetchval("select revision from tenant_revisions where tenant = $1", harness.tenant)
        transport = scenario.transport
        requests = dict(zip(transport.keys[self._requests :], transport.requests[self._requests :], strict=True))
        cost = Cost(found, head - self._revision, sorted(f"{method} {path}" for _, method, path in requests.values()))
        self._facts = {(row["source"], row["id"]) for row in rows}
        self._revision, self._requests = head, len(scenario.transport.requests)
        return cost

    async def _is_quiet(self) -> bool:
        harness = self._scenario.harness
        query = """
            select (select count(*) from outbox where tenant = $1) + (select count(*) from waits where tenant = $1)
                + (select count(*) from operations where tenant = $1 and state in ('waiting', 'requested', 'running'))
        """
        return bool(await harness.pool.fetchval(query, harness.tenant) == 0)


@pytest.fixture
async def scenario(harness: Harness, tmp_path: Path) -> AsyncIterator[Scenario]:
    """Runs all four owners, and all processes of Tether."""
    scenario = Scenario(harness, tmp_path, OWNERS)
    async with scenario.running(), harness.running():
        yield scenario


async def create_team_in_a(scenario: Scenario, ledger: Ledger) -> None:
    """Creates the events A and B and the team t1 in A, and asserts what that costs."""
    for event in "AB":  # one after the other: a batch of both would be one revision
        await scenario.create_events(event)
    await scenario.create_teams("A", "t1")
    assert await ledger.cost(3) == Cost(["EventCreated.v1", "EventCreated.v1", "TeamCreated.v1"], 3, [])


async def test_move_by_the_owner_is_one_fact_and_no_command(scenario: Scenario) -> None:
    ledger = Ledger(scenario)
    await create_team_in_a(scenario, ledger)
    await scenario.request_owner("teams", "POST", "/teams/t1/moves", event_id="B")
    assert await ledger.cost(1) == Cost(["TeamMoved.v1"], 1, [])


async def test_move_through_tether_is_one_command_and_one_fact(scenario: Scenario) -> None:
    ledger, harness = Ledger(scenario), scenario.harness
    await create_team_in_a(scenario, ledger)
    relationship = harness.relationship("event_team")
    row = await moves.start(
        harness.pool, harness.tenant, relationship, child="t1", to="B", actor="test", idempotency_key=None
    )
    await harness.wait_for_operation(row.id, "done")
    assert await ledger.cost(1) == Cost(["TeamMoved.v1"], 1, ["POST /teams/t1/moves"])
    (moved,) = await harness.facts("TeamMoved")
    assert moved["correlation"] == encode_operation(row.id)
    assert moved["causation"] == row.id


async def test_deletion_is_one_command_and_one_fact_per_entity(scenario: Scenario) -> None:
    ledger, harness = Ledger(scenario), scenario.harness
    await create_team_in_a(scenario, ledger)
    await scenario.create_teams("A", "t2", "t3")
    await ledger.cost(2)
    scenario.relay.holding = {"teams"}
    row = await deletions.start(
        harness.pool, harness.catalog, harness.tenant, "event", "A", actor="test", idempotency_key=None
    )

    async def all_held() -> bool:
        return len(scenario.relay.held) == 3

    await eventually(all_held)
    await scenario.relay.release()
    await harness.wait_for_operation(row.id, "done")
    assert await ledger.cost(4) == Cost(
        ["EventDeleted.v1", "TeamDeleted.v1", "TeamDeleted.v1", "TeamDeleted.v1"],
        4,
        ["DELETE /events/A", "DELETE /teams/t1", "DELETE /teams/t2", "DELETE /teams/t3"],
    )
    caused = await harness.facts("TeamDeleted") + await harness.facts("EventDeleted")
    assert {fact["correlation"] for fact in caused} == {encode_operation(row.id)}
    assert {fact["causation"] for fact in caused} == {row.id}


async def test_late_team_is_two_facts_and_one_command(scenario: Scenario) -> None:
    ledger = Ledger(scenario)
    await create_team_in_a(scenario, ledger)
    await scenario.request_owner("events", "DELETE", "/events/B")
    assert await ledger.cost(1) == Cost(["EventDeleted.v1"], 1, [])
    await scenario.request_owner("teams", "POST", "/teams", id="late", name="late", event_id="B")
    assert await ledger.cost(2) == Cost(["TeamCreated.v1", "TeamDeleted.v1"], 2, ["DELETE /teams/late"])


async def test_fact_that_changes_nothing_is_only_recorded(scenario: Scenario) -> None:
    ledger, harness = Ledger(scenario), scenario.harness
    await create_team_in_a(scenario, ledger)
    (created,) = await harness.facts("TeamCreated")
    again = {"specversion": "1.0", "source": "/teams", "type": "TeamRenamed.v1", "subject": "t1", "id": "the-same"}
    await harness.record({**again, "sequence": "2", "time": created["time"].isoformat(), "data": {"name": "t1"}})
    assert await ledger.cost(1) == Cost(["TeamRenamed.v1"], 0, [])


async def test_chain_is_one_command_and_one_fact_per_created_entity(scenario: Scenario) -> None:
    ledger = Ledger(scenario)
    await scenario.request_owner("groups", "POST", "/groups", id="g1", name="Rowing")
    assert await ledger.cost(3) == Cost(
        ["ChannelCreated.v1", "GroupChannelLinked.v1", "GroupCreated.v1"], 3, ["POST /channels"]
    )
    await scenario.request_owner("groups", "POST", "/groups/g1/members", user="ann")
    made = await ledger.cost(2)
    channel = next(iter((await scenario.client["channels"].get("/channels")).json()["items"]))["id"]
    assert made == Cost(["ChannelMemberAdded.v1", "GroupMemberAdded.v1"], 2, [f"POST /channels/{channel}/members"])
    await scenario.request_owner("groups", "DELETE", "/groups/g1/members/ann")
    assert await ledger.cost(2) == Cost(
        ["ChannelMemberRemoved.v1", "GroupMemberRemoved.v1"], 2, [f"DELETE /channels/{channel}/members/ann"]
    )


async def test_deleted_group_takes_its_channel_and_memberships_with_it(scenario: Scenario) -> None:
    ledger = Ledger(scenario)
    await scenario.request_owner("groups", "POST", "/groups", id="g1", name="Rowing")
    for user in ("ann", "bob"):
        await scenario.request_owner("groups", "POST", "/groups/g1/members", user=user)
    await ledger.cost(7)
    await scenario.request_owner("groups", "DELETE", "/groups/g1")
    cost = await ledger.cost(6)
    assert cost.facts == [
        "ChannelDeleted.v1",
        *["ChannelMemberRemoved.v1"] * 2,
        "GroupDeleted.v1",
        *["GroupMemberRemoved.v1"] * 2,
    ]
    effects = [await scenario.effects(owner) for owner in ("groups", "channels")]
    assert effects == [2, 6]  # 2 memberships removed; a channel created and deleted, 2 users added and removed
