"""No loops: what each scenario costs in facts, revisions and commands, counted, and not one more after it is quiet."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from examples.channels.service import CHANNELS
from examples.events.service import EVENTS
from examples.groups.service import GROUPS
from examples.teams.service import TEAMS
from facts.correlation import encode_operation
from store.operations import cascades, moves
from tests.support.festival import Festival
from tests.support.harness import House, until

pytestmark = pytest.mark.stack

OWNERS = {"events": EVENTS, "teams": TEAMS, "groups": GROUPS, "channels": CHANNELS}


class Cost(NamedTuple):
    """What was recorded, in how many revisions, and which commands owners were asked; asked again is asked once."""

    facts: list[str]
    revisions: int
    commands: list[str]


class Ledger:
    """Counts what has come since it was looked at last."""

    def __init__(self, festival: Festival) -> None:
        self._festival = festival
        self._facts: set[tuple[str, str]] = set()
        self._revision = 0
        self._asked = 0

    async def cost(self, facts: int) -> Cost:
        """Since last time, once so many facts have come and nothing is under way any more."""
        house, festival = self._festival.house, self._festival
        rows = []

        async def are_there() -> bool:
            nonlocal rows
            rows = await house.pool.fetch("select source, id, type from facts where tenant = $1", house.tenant)
            return len(rows) - len(self._facts) >= facts and await self._is_quiet()

        await until(are_there)
        found = sorted(row["type"] for row in rows if (row["source"], row["id"]) not in self._facts)
        head = await house.pool.fetchval("select revision from heads where tenant = $1", house.tenant)
        road = festival.road
        asked = dict(zip(road.keys[self._asked :], road.asked[self._asked :], strict=True))
        cost = Cost(found, head - self._revision, sorted(f"{method} {path}" for _, method, path in asked.values()))
        self._facts = {(row["source"], row["id"]) for row in rows}
        self._revision, self._asked = head, len(festival.road.asked)
        return cost

    async def _is_quiet(self) -> bool:
        house = self._festival.house
        query = """
            select (select count(*) from intents where tenant = $1) + (select count(*) from waits where tenant = $1)
                + (select count(*) from operations where tenant = $1 and state in ('waiting', 'asked', 'running'))
        """
        return bool(await house.pool.fetchval(query, house.tenant) == 0)


@pytest.fixture
async def festival(house: House, tmp_path: Path) -> AsyncIterator[Festival]:
    """All four owners, and everything of Tether's."""
    festival = Festival(house, tmp_path, OWNERS)
    async with festival.running(), house.open():
        yield festival


async def team_in_a(festival: Festival, ledger: Ledger) -> None:
    for event in "AB":  # one after the other, or the owner tells both in one batch, which is one revision
        await festival.events(event)
    await festival.teams("A", "t1")
    assert await ledger.cost(3) == Cost(["EventCreated.v1", "EventCreated.v1", "TeamCreated.v1"], 3, [])


async def test_a_move_by_its_owner_is_one_fact_one_revision_and_no_command(festival: Festival) -> None:
    ledger = Ledger(festival)
    await team_in_a(festival, ledger)
    await festival.do("teams", "POST", "/teams/t1/moves", event_id="B")
    assert await ledger.cost(1) == Cost(["TeamMoved.v1"], 1, [])


async def test_a_move_through_tether_is_one_command_one_fact_and_one_revision(festival: Festival) -> None:
    ledger, house = Ledger(festival), festival.house
    await team_in_a(festival, ledger)
    relationship = house.relationship("event_team")
    row = await moves.start(
        house.pool, house.tenant, relationship, child="t1", to="B", actor="test", idempotency_key=None
    )
    await house.operated(row["id"], "done")
    assert await ledger.cost(1) == Cost(["TeamMoved.v1"], 1, ["POST /teams/t1/moves"])
    (moved,) = await house.facts("TeamMoved")
    assert moved["correlation"] == encode_operation(row["id"])
    assert moved["causation"] == row["id"]


async def test_a_deletion_is_one_command_and_one_fact_for_the_event_and_for_each_team(festival: Festival) -> None:
    ledger, house = Ledger(festival), festival.house
    await team_in_a(festival, ledger)
    await festival.teams("A", "t2", "t3")
    await ledger.cost(2)
    festival.post.holding = {"teams"}
    row = await cascades.start(
        house.pool, house.catalog, house.tenant, "event", "A", actor="test", idempotency_key=None
    )

    async def all_told() -> bool:
        return len(festival.post.held) == 3

    await until(all_told)
    await festival.post.let_go()
    await house.operated(row["id"], "done")
    assert await ledger.cost(4) == Cost(
        ["EventDeleted.v1", "TeamDeleted.v1", "TeamDeleted.v1", "TeamDeleted.v1"],
        4,
        ["DELETE /events/A", "DELETE /teams/t1", "DELETE /teams/t2", "DELETE /teams/t3"],
    )
    caused = await house.facts("TeamDeleted") + await house.facts("EventDeleted")
    assert {fact["correlation"] for fact in caused} == {encode_operation(row["id"])}
    assert {fact["causation"] for fact in caused} == {row["id"]}


async def test_a_team_that_comes_late_is_two_facts_two_revisions_and_one_command(festival: Festival) -> None:
    ledger = Ledger(festival)
    await team_in_a(festival, ledger)
    await festival.do("events", "DELETE", "/events/B")
    assert await ledger.cost(1) == Cost(["EventDeleted.v1"], 1, [])
    await festival.do("teams", "POST", "/teams", id="late", name="late", event_id="B")
    assert await ledger.cost(2) == Cost(["TeamCreated.v1", "TeamDeleted.v1"], 2, ["DELETE /teams/late"])


async def test_a_fact_that_changes_nothing_is_kept_and_nothing_else_happens(festival: Festival) -> None:
    ledger, house = Ledger(festival), festival.house
    await team_in_a(festival, ledger)
    (told,) = await house.facts("TeamCreated")
    again = {"specversion": "1.0", "source": "/teams", "type": "TeamRenamed.v1", "subject": "t1", "id": "the-same"}
    await house.tell({**again, "sequence": "2", "time": told["time"].isoformat(), "data": {"name": "t1"}})
    assert await ledger.cost(1) == Cost(["TeamRenamed.v1"], 0, [])


async def test_a_chain_costs_a_command_and_a_fact_for_each_thing_that_is_made(festival: Festival) -> None:
    ledger = Ledger(festival)
    await festival.do("groups", "POST", "/groups", id="g1", name="Rowing")
    assert await ledger.cost(3) == Cost(
        ["ChannelCreated.v1", "GroupChannelLinked.v1", "GroupCreated.v1"], 3, ["POST /channels"]
    )
    await festival.do("groups", "POST", "/groups/g1/members", user="ann")
    made = await ledger.cost(2)
    channel = next(iter((await festival.client["channels"].get("/channels")).json()["items"]))["id"]
    assert made == Cost(["ChannelMemberAdded.v1", "GroupMemberAdded.v1"], 2, [f"POST /channels/{channel}/members"])
    await festival.do("groups", "DELETE", "/groups/g1/members/ann")
    assert await ledger.cost(2) == Cost(
        ["ChannelMemberRemoved.v1", "GroupMemberRemoved.v1"], 2, [f"DELETE /channels/{channel}/members/ann"]
    )


async def test_a_group_that_is_dissolved_takes_its_channel_and_all_memberships_with_it(festival: Festival) -> None:
    ledger = Ledger(festival)
    await festival.do("groups", "POST", "/groups", id="g1", name="Rowing")
    for user in ("ann", "bob"):
        await festival.do("groups", "POST", "/groups/g1/members", user=user)
    await ledger.cost(7)
    await festival.do("groups", "DELETE", "/groups/g1")
    cost = await ledger.cost(6)
    assert cost.facts == [
        "ChannelDeleted.v1",
        *["ChannelMemberRemoved.v1"] * 2,
        "GroupDeleted.v1",
        *["GroupMemberRemoved.v1"] * 2,
    ]
    effects = [await festival.effects(owner) for owner in ("groups", "channels")]
    assert effects == [2, 6]  # two memberships; a channel made and closed, two users let in and taken out
