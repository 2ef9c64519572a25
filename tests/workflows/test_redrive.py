"""What an owner refused is asked for anew once somebody has mended the cause; plans that take children out."""

import pytest

from errors import Conflict
from store import operations, plans
from store.plans import Wish
from tests.workflows.festival import Festival
from tests.workflows.house import until

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
    plan = await plans.create(house.pool, house.catalog, house.tenant, wish, "test")
    festival.road.lost["teams"] = 10
    row = await plans.execute(
        house.pool, house.catalog, house.tenant, plan.id, include_appeared=False, actor="test", idempotency_key=None
    )
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
    plan = await plans.create(house.pool, house.catalog, house.tenant, wish, "test")
    row = await plans.execute(
        house.pool, house.catalog, house.tenant, plan.id, include_appeared=False, actor="test", idempotency_key=None
    )
    ours = await festival.post.has("TeamMoved", "t")
    await festival.do("teams", "POST", "/teams/t/moves", event_id="A")
    theirs = await festival.post.has("TeamMoved", "t")
    await house.tell(ours, theirs)
    row = await house.operated(row["id"], "done")
    assert (row["found"], row["done"], row["spared"]) == (1, 0, 1)
    assert await festival.teams_at_owner() == {"t": "A"}
    assert await festival.effects("teams") == 1


async def test_a_child_whose_owner_fails_at_it_alone_is_parked_at_its_deadline(open_festival: Festival) -> None:
    """It keeps failing, others of the same owner do not: somebody is to look at it."""
    festival, house = open_festival, open_festival.house
    await festival.events("A", "B")
    await festival.teams("A", "good", "poison")
    await festival.teams("B", "other")
    festival.road.refused = {"/teams/poison": (500, "")}
    await festival.do("events", "DELETE", "/events/A")
    await festival.known("team", ["good"], "deleted")

    async def failed() -> bool:
        query = "select state from items where tenant = $1 and child = 'poison'"
        return bool(await house.pool.fetchval(query, house.tenant) == "failing")

    await until(failed)
    await festival.events("C")
    await house.operated(await festival.ask_move("other", "C"), "done")  # the owner itself is not away
    await house.pool.execute("update items set at = at - interval '24 hours' where tenant = $1", house.tenant)
    id = await cascade(festival, "incomplete")
    (item,) = await house.pool.fetch("select reason from items where tenant = $1 and state = 'parked'", house.tenant)
    assert item["reason"].startswith("since ")
    assert item["reason"].endswith(" UTC: DeleteTeam at teams answered 500"), item["reason"]
    assert (await house.operation(id))["done"] == 1
