"""What an owner refused is asked for anew once somebody has mended the cause; plans that take children out."""

from typing import Any

import pytest

from errors import Conflict
from store.operations import children, operations, plans
from store.operations.plans import Wish
from tests.support.festival import Festival
from tests.support.harness import Event, event, until

pytestmark = pytest.mark.stack


async def cascade(festival: Festival, state: str) -> str:
    """Id of the cascade, once it is in this state."""
    house = festival.house

    async def begun() -> str:
        query = "select id from operations where tenant = $1 and kind = 'cascade'"
        return str(await house.pool.fetchval(query, house.tenant) or "")

    id: str = await until(begun)
    await house.operated(id, state)
    return id


async def test_what_was_refused_is_asked_for_anew_by_another_key(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("A")
    await festival.teams("A", "good", "poison")
    festival.road.refused = {"/teams/poison": (422, "not this one")}
    await festival.do("events", "DELETE", "/events/A")
    await festival.known("team", ["good"], "deleted")
    id = await cascade(festival, "incomplete")
    row = await house.operation(id)
    assert (row["found"], row["done"], row["parked"]) == (2, 1, 1)
    refused = [key for key, asked in zip(festival.road.keys, festival.road.asked, strict=True) if "poison" in asked[2]]

    festival.road.refused = {}
    await operations.redrive(house.pool, house.tenant, id)
    row = await house.operated(id, "done")
    assert (row["found"], row["done"], row["parked"]) == (2, 2, 0)
    assert await festival.teams_at_owner() == {}
    assert refused[0] not in await festival.commands("teams")
    with pytest.raises(Conflict):
        await operations.redrive(house.pool, house.tenant, id)


async def test_a_child_that_came_anew_after_it_was_planned_is_let_be(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t1", "t2")
    at = house.pool, house.catalog, house.tenant
    plan = await plans.create(*at, Wish("detach", relationship="event_team", parent="a"), "test")
    await festival.do("teams", "DELETE", "/teams/t1")
    await festival.known("team", ["t1"], "deleted")
    await festival.teams("a", "t1")
    begun = await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)
    row = await house.operated(begun["id"], "done")
    assert (row["found"], row["done"], row["spared"]) == (2, 1, 1)
    assert await festival.teams_at_owner() == {"t1": "a", "t2": None}


def told(type: str, sequence: int, **data: Any) -> Event:
    """Of the team t1, by its owner."""
    return {**event(type, "t1", sequence, **data), "source": "/teams"}


@pytest.mark.parametrize("late", [False, True])
async def test_a_child_whose_end_and_beginning_leave_its_link_as_it_is_is_let_be_as_well(
    festival: Festival, late: bool
) -> None:
    house = festival.house
    await house.tell({**event("EventCreated", "a", 1, name="a"), "source": "/events"})
    await house.tell(told("TeamCreated", 1, name="t", event_id="a"))
    at = house.pool, house.catalog, house.tenant
    plan = await plans.create(*at, Wish("detach", relationship="event_team", parent="a"), "test")
    batch = [told("TeamDeleted", 2), told("TeamCreated", 3, name="another", event_id="a")]
    for facts in [[fact] for fact in reversed(batch)] if late else [batch]:
        await house.tell(*facts)
    assert len(await festival.spans("t1")) == 1
    begun = await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)
    work = await children.page(*at, begun["id"], house.relationship("event_team"), "", 10, again=False)
    assert (work is not None and work.items) == []


async def test_what_was_refused_and_goes_all_the_same_completes_the_operation(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("A")
    await festival.teams("A", "good", "poison")
    festival.road.refused = {"/teams/poison": (422, "not this one")}
    await festival.do("events", "DELETE", "/events/A")
    id = await cascade(festival, "incomplete")
    await festival.do("teams", "DELETE", "/teams/poison")
    row = await house.operated(id, "done")
    assert (row["found"], row["done"], row["parked"], row["reason"]) == (2, 2, 0, "")


async def test_a_plan_takes_exactly_the_children_that_it_names_out_of_their_parent(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("A", "B")
    await festival.teams("A", "t1", "t2", "t3")
    wish = Wish("detach", relationship="event_team", parent="A")
    plan = await plans.create(house.pool, house.catalog, house.tenant, wish, "test")
    assert [(part.children, part.command) for part in plan.parts] == [(3, "WithdrawTeam")]
    await festival.do("teams", "POST", "/teams/t3/moves", event_id="B")
    await festival.teams("A", "new")
    row = await plans.execute(
        house.pool, house.catalog, house.tenant, plan.id, include_appeared=False, actor="test", idempotency_key=None
    )
    row = await house.operated(row["id"], "done")
    assert (row["found"], row["done"], row["spared"]) == (3, 2, 1)
    assert await festival.teams_at_owner() == {"t1": None, "t2": None, "t3": "B", "new": "A"}
    assert await house.links("event_team") == {"t3": "B", "new": "A"}


async def test_a_plan_of_many_moves_survives_an_owner_that_loses_its_answers(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("A", "B")
    teams = [f"t{n}" for n in range(30)]
    await festival.teams("A", *teams)
    wish = Wish("move", relationship="event_team", parent="A", to="B")
    festival.road.lost["teams"] = 10
    row = await festival.execute(wish)
    await house.operated(row["id"], "done")
    assert await festival.teams_at_owner() == dict.fromkeys(teams, "B")
    ours = (await festival.commands("teams")).values()
    assert sum(effects for _, effects in ours) == 30
    assert max(effects for _, effects in ours) == 1
    assert festival.road.lost["teams"] == 0  # so many answers were lost; some facts came before anybody asked again


@pytest.mark.parametrize("lost_answers", [0, 1])
async def test_a_plan_leaves_a_child_that_was_moved_and_has_come_back(
    open_festival: Festival, lost_answers: int
) -> None:
    """Nobody asks for it twice, also where the first answer was lost."""
    festival, house = open_festival, open_festival.house
    await festival.events("A", "B")
    await festival.teams("A", "t")
    festival.post.holding = {"teams"}
    festival.road.lost["teams"] = lost_answers
    wish = Wish("move", relationship="event_team", parent="A", to="B")
    row = await festival.execute(wish)
    ours = await festival.post.has("TeamMoved", "t")
    await festival.do("teams", "POST", "/teams/t/moves", event_id="A")
    theirs = await festival.post.has("TeamMoved", "t")
    await house.tell(ours, theirs)
    row = await house.operated(row["id"], "done")
    assert (row["found"], row["done"], row["spared"]) == (1, 0, 1)
    assert await festival.teams_at_owner() == {"t": "A"}
    assert await festival.effects("teams") == 1


async def test_a_child_whose_owner_fails_at_it_alone_is_parked_after_so_many_tries(open_festival: Festival) -> None:
    """Those of the others that went well count, although nobody else is left to ask for."""
    festival, house = open_festival, open_festival.house
    await festival.events("A")
    await festival.teams("A", "good", "poison")
    festival.road.refused = {"/teams/poison": (500, "")}
    await festival.do("events", "DELETE", "/events/A")
    await festival.known("team", ["good"], "deleted")

    async def tried() -> bool:
        query = "select tries from items where tenant = $1 and child = 'poison'"
        return int(await house.pool.fetchval(query, house.tenant) or 0) >= 3

    await until(tried)
    await house.pool.execute("update items set tries = 29 where tenant = $1", house.tenant)
    id = await cascade(festival, "incomplete")
    (item,) = await house.pool.fetch("select reason from items where tenant = $1 and state = 'parked'", house.tenant)
    assert item["reason"] == "DeleteTeam at teams answered 500"
    assert (await house.operation(id))["done"] == 1


async def test_what_was_refused_left_and_came_back_is_asked_for_anew(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("A", "B")
    await festival.teams("A", "t1", "t2")
    festival.road.refused = {"/teams/t": (422, "not yet")}
    await festival.do("events", "DELETE", "/events/A")
    id = await cascade(festival, "incomplete")
    festival.road.refused = {}
    await festival.do("teams", "POST", "/teams/t1/moves", event_id="B")

    async def counted() -> bool:
        row = await house.operation(id)
        return bool((row["spared"], row["parked"]) == (1, 1))

    await until(counted)
    await festival.do("teams", "POST", "/teams/t1/moves", event_id="A")
    await festival.known("team", ["t1"], "deleted")
    await operations.redrive(house.pool, house.tenant, id)
    row = await house.operated(id, "done")
    assert (row["done"], row["parked"]) == (2, 0)


async def test_a_redrive_for_an_event_that_lives_again_spares_what_was_left(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("A")
    await festival.teams("A", "t1", "t2")
    festival.road.refused = {"/teams/t1": (422, "not yet")}
    await festival.do("events", "DELETE", "/events/A")
    id = await cascade(festival, "incomplete")
    await festival.events("A")
    await operations.redrive(house.pool, house.tenant, id)
    row = await house.operated(id, "done")
    assert (row["found"], row["done"], row["spared"], row["parked"]) == (2, 1, 1, 0)
    assert await festival.teams_at_owner() == {"t1": "A"}


async def test_a_plan_does_not_move_into_what_is_gone(open_festival: Festival) -> None:
    """Neither while it is under way nor when what was refused is asked for anew: its cascade would take them all."""
    festival, house = open_festival, open_festival.house
    await festival.events("A", "B")
    await festival.teams("A", "t1", "t2")
    festival.road.refused = {"/teams/t1": (503, ""), "/teams/t2": (422, "not yet")}
    wish = Wish("move", relationship="event_team", parent="A", to="B")
    row = await festival.execute(wish)

    async def one_is_refused() -> bool:
        return bool((await house.operation(row["id"]))["parked"] == 1)

    await until(one_is_refused)
    await festival.do("events", "DELETE", "/events/B")
    await festival.known("event", ["B"], "deleted")
    festival.road.refused = {}
    await house.operated(row["id"], "incomplete")
    await operations.redrive(house.pool, house.tenant, row["id"])
    row = await house.operated(row["id"], "incomplete")
    assert (row["found"], row["parked"]) == (2, 2)
    reasons = await house.pool.fetch("select reason from items where tenant = $1", house.tenant)
    assert [item["reason"] for item in reasons] == ["event B is deleted"] * 2
    assert await festival.teams_at_owner() == {"t1": "A", "t2": "A"}


async def test_a_plan_moves_a_child_whose_owner_says_once_more_where_it_is(open_festival: Festival) -> None:
    """It never left: a fact that states the same parent anew is no other belonging."""
    festival, house = open_festival, open_festival.house
    await festival.events("A", "B")
    await festival.teams("A", "t")
    festival.road.refused = {"/teams/t": (503, "")}
    row = await festival.execute(Wish("move", relationship="event_team", parent="A", to="B"))

    async def failed() -> bool:
        return bool((await house.operation(row["id"]))["reason"])

    await until(failed)
    (created,) = await house.facts("TeamCreated")
    again = {"specversion": "1.0", "source": "/teams", "type": "TeamMoved.v1", "subject": "t", "id": "the-same"}
    await house.tell({**again, "sequence": "1", "time": created["time"].isoformat(), "data": {"event_id": "A"}})
    festival.road.refused = {}
    row = await house.operated(row["id"], "done")
    assert (row["done"], row["spared"]) == (1, 0)
    assert await festival.teams_at_owner() == {"t": "B"}
