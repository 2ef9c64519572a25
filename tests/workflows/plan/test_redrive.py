"""What an owner refused is asked for anew once somebody has mended the cause; plans that take children out."""

from typing import Any

import pytest

from errors import Conflict
from store.operations import children, operations, plans
from store.operations.plans import Wish
from tests.support.events import Event, event
from tests.support.eventually import eventually
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack


async def cascade(scenario: Scenario, state: str) -> str:
    """Id of the cascade, once it is in this state."""
    harness = scenario.harness

    async def begun() -> str:
        query = "select id from operations where tenant = $1 and kind = 'cascade'"
        return str(await harness.pool.fetchval(query, harness.tenant) or "")

    id: str = await eventually(begun)
    await harness.wait_for_operation(id, state)
    return id


async def test_what_was_refused_is_asked_for_anew_by_another_key(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "good", "poison")
    scenario.transport.refused = {"/teams/poison": (422, "not this one")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    await scenario.wait_for_entities("team", ["good"], "deleted")
    id = await cascade(scenario, "incomplete")
    row = await harness.operation(id)
    assert (row["found"], row["done"], row["parked"]) == (2, 1, 1)
    refused = [
        key
        for key, asked in zip(scenario.transport.keys, scenario.transport.asked, strict=True)
        if "poison" in asked[2]
    ]

    scenario.transport.refused = {}
    await operations.redrive(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "done")
    assert (row["found"], row["done"], row["parked"]) == (2, 2, 0)
    assert await scenario.teams_at_owner() == {}
    assert refused[0] not in await scenario.commands("teams")
    with pytest.raises(Conflict):
        await operations.redrive(harness.pool, harness.tenant, id)


async def test_a_child_that_came_anew_after_it_was_planned_is_let_be(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1", "t2")
    at = harness.pool, harness.catalog, harness.tenant
    plan = await plans.create(*at, Wish("detach", relationship="event_team", parent="a"), "test")
    await scenario.request_owner("teams", "DELETE", "/teams/t1")
    await scenario.wait_for_entities("team", ["t1"], "deleted")
    await scenario.create_teams("a", "t1")
    begun = await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)
    row = await harness.wait_for_operation(begun["id"], "done")
    assert (row["found"], row["done"], row["spared"]) == (2, 1, 1)
    assert await scenario.teams_at_owner() == {"t1": "a", "t2": None}


def told(type: str, sequence: int, **data: Any) -> Event:
    """Of the team t1, by its owner."""
    return {**event(type, "t1", sequence, **data), "source": "/teams"}


@pytest.mark.parametrize("late", [False, True])
async def test_a_child_whose_end_and_beginning_leave_its_link_as_it_is_is_let_be_as_well(
    scenario: Scenario, late: bool
) -> None:
    harness = scenario.harness
    await harness.record({**event("EventCreated", "a", 1, name="a"), "source": "/events"})
    await harness.record(told("TeamCreated", 1, name="t", event_id="a"))
    at = harness.pool, harness.catalog, harness.tenant
    plan = await plans.create(*at, Wish("detach", relationship="event_team", parent="a"), "test")
    batch = [told("TeamDeleted", 2), told("TeamCreated", 3, name="another", event_id="a")]
    for facts in [[fact] for fact in reversed(batch)] if late else [batch]:
        await harness.record(*facts)
    assert len(await scenario.link_versions("t1")) == 1
    begun = await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)
    work = await children.page(*at, begun["id"], harness.relationship("event_team"), "", 10, again=False)
    assert (work is not None and work.items) == []


async def test_what_was_refused_and_goes_all_the_same_completes_the_operation(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "good", "poison")
    scenario.transport.refused = {"/teams/poison": (422, "not this one")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    id = await cascade(scenario, "incomplete")
    await scenario.request_owner("teams", "DELETE", "/teams/poison")
    row = await harness.wait_for_operation(id, "done")
    assert (row["found"], row["done"], row["parked"], row["reason"]) == (2, 2, 0, "")


async def test_a_plan_takes_exactly_the_children_that_it_names_out_of_their_parent(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t1", "t2", "t3")
    wish = Wish("detach", relationship="event_team", parent="A")
    plan = await plans.create(harness.pool, harness.catalog, harness.tenant, wish, "test")
    assert [(part.children, part.command) for part in plan.parts] == [(3, "WithdrawTeam")]
    await scenario.request_owner("teams", "POST", "/teams/t3/moves", event_id="B")
    await scenario.create_teams("A", "new")
    row = await plans.execute(
        harness.pool,
        harness.catalog,
        harness.tenant,
        plan.id,
        include_appeared=False,
        actor="test",
        idempotency_key=None,
    )
    row = await harness.wait_for_operation(row["id"], "done")
    assert (row["found"], row["done"], row["spared"]) == (3, 2, 1)
    assert await scenario.teams_at_owner() == {"t1": None, "t2": None, "t3": "B", "new": "A"}
    assert await harness.links("event_team") == {"t3": "B", "new": "A"}


async def test_a_plan_of_many_moves_survives_an_owner_that_loses_its_answers(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    teams = [f"t{n}" for n in range(30)]
    await scenario.create_teams("A", *teams)
    wish = Wish("move", relationship="event_team", parent="A", to="B")
    scenario.transport.lost["teams"] = 10
    row = await scenario.execute_plan(wish)
    await harness.wait_for_operation(row["id"], "done")
    assert await scenario.teams_at_owner() == dict.fromkeys(teams, "B")
    ours = (await scenario.commands("teams")).values()
    assert sum(effects for _, effects in ours) == 30
    assert max(effects for _, effects in ours) == 1
    assert (
        scenario.transport.lost["teams"] == 0
    )  # so many answers were lost; some facts came before anybody asked again


@pytest.mark.parametrize("lost_answers", [0, 1])
async def test_a_plan_leaves_a_child_that_was_moved_and_has_come_back(
    running_scenario: Scenario, lost_answers: int
) -> None:
    """Nobody asks for it twice, also where the first answer was lost."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t")
    scenario.relay.holding = {"teams"}
    scenario.transport.lost["teams"] = lost_answers
    wish = Wish("move", relationship="event_team", parent="A", to="B")
    row = await scenario.execute_plan(wish)
    ours = await scenario.relay.take("TeamMoved", "t")
    await scenario.request_owner("teams", "POST", "/teams/t/moves", event_id="A")
    theirs = await scenario.relay.take("TeamMoved", "t")
    await harness.record(ours, theirs)
    row = await harness.wait_for_operation(row["id"], "done")
    assert (row["found"], row["done"], row["spared"]) == (1, 0, 1)
    assert await scenario.teams_at_owner() == {"t": "A"}
    assert await scenario.effects("teams") == 1


async def test_a_child_whose_owner_fails_at_it_alone_is_parked_after_so_many_tries(running_scenario: Scenario) -> None:
    """Those of the others that went well count, although nobody else is left to ask for."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "good", "poison")
    scenario.transport.refused = {"/teams/poison": (500, "")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    await scenario.wait_for_entities("team", ["good"], "deleted")

    async def tried() -> bool:
        query = "select tries from items where tenant = $1 and child = 'poison'"
        return int(await harness.pool.fetchval(query, harness.tenant) or 0) >= 3

    await eventually(tried)
    await harness.pool.execute("update items set tries = 29 where tenant = $1", harness.tenant)
    id = await cascade(scenario, "incomplete")
    (item,) = await harness.pool.fetch(
        "select reason from items where tenant = $1 and state = 'parked'", harness.tenant
    )
    assert item["reason"] == "DeleteTeam at teams answered 500"
    assert (await harness.operation(id))["done"] == 1


async def test_what_was_refused_left_and_came_back_is_asked_for_anew(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t1", "t2")
    scenario.transport.refused = {"/teams/t": (422, "not yet")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    id = await cascade(scenario, "incomplete")
    scenario.transport.refused = {}
    await scenario.request_owner("teams", "POST", "/teams/t1/moves", event_id="B")

    async def counted() -> bool:
        row = await harness.operation(id)
        return bool((row["spared"], row["parked"]) == (1, 1))

    await eventually(counted)
    await scenario.request_owner("teams", "POST", "/teams/t1/moves", event_id="A")
    await scenario.wait_for_entities("team", ["t1"], "deleted")
    await operations.redrive(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "done")
    assert (row["done"], row["parked"]) == (2, 0)


async def test_a_redrive_for_an_event_that_lives_again_spares_what_was_left(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A")
    await scenario.create_teams("A", "t1", "t2")
    scenario.transport.refused = {"/teams/t1": (422, "not yet")}
    await scenario.request_owner("events", "DELETE", "/events/A")
    id = await cascade(scenario, "incomplete")
    await scenario.create_events("A")
    await operations.redrive(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "done")
    assert (row["found"], row["done"], row["spared"], row["parked"]) == (2, 1, 1, 0)
    assert await scenario.teams_at_owner() == {"t1": "A"}


async def test_a_plan_does_not_move_into_what_is_gone(running_scenario: Scenario) -> None:
    """Neither while it is under way nor when what was refused is asked for anew: its cascade would take them all."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t1", "t2")
    scenario.transport.refused = {"/teams/t1": (503, ""), "/teams/t2": (422, "not yet")}
    wish = Wish("move", relationship="event_team", parent="A", to="B")
    row = await scenario.execute_plan(wish)

    async def one_is_refused() -> bool:
        return bool((await harness.operation(row["id"]))["parked"] == 1)

    await eventually(one_is_refused)
    await scenario.request_owner("events", "DELETE", "/events/B")
    await scenario.wait_for_entities("event", ["B"], "deleted")
    scenario.transport.refused = {}
    await harness.wait_for_operation(row["id"], "incomplete")
    await operations.redrive(harness.pool, harness.tenant, row["id"])
    row = await harness.wait_for_operation(row["id"], "incomplete")
    assert (row["found"], row["parked"]) == (2, 2)
    reasons = await harness.pool.fetch("select reason from items where tenant = $1", harness.tenant)
    assert [item["reason"] for item in reasons] == ["event B is deleted"] * 2
    assert await scenario.teams_at_owner() == {"t1": "A", "t2": "A"}


async def test_a_plan_moves_a_child_whose_owner_says_once_more_where_it_is(running_scenario: Scenario) -> None:
    """It never left: a fact that states the same parent anew is no other belonging."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t")
    scenario.transport.refused = {"/teams/t": (503, "")}
    row = await scenario.execute_plan(Wish("move", relationship="event_team", parent="A", to="B"))

    async def failed() -> bool:
        return bool((await harness.operation(row["id"]))["reason"])

    await eventually(failed)
    (created,) = await harness.facts("TeamCreated")
    again = {"specversion": "1.0", "source": "/teams", "type": "TeamMoved.v1", "subject": "t", "id": "the-same"}
    await harness.record({**again, "sequence": "1", "time": created["time"].isoformat(), "data": {"event_id": "A"}})
    scenario.transport.refused = {}
    row = await harness.wait_for_operation(row["id"], "done")
    assert (row["done"], row["spared"]) == (1, 0)
    assert await scenario.teams_at_owner() == {"t": "B"}
