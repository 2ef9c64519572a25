"""Moves of a team to another event: its owner is asked once the event lives, and its own fact closes the operation."""

from datetime import timedelta

import pytest

from errors import Conflict
from facts.correlation import encode_operation
from store.operations import moves
from tests.support.festival import Festival
from tests.support.harness import event, until

pytestmark = pytest.mark.stack

A_DAY = timedelta(hours=24, seconds=1)


async def at_rest(festival: Festival, *teams: str) -> None:
    """Nothing is under way."""
    await festival.house.at_rest()
    for team in teams:
        await festival.house.closed(festival.moves(team))


async def test_the_owner_is_asked_once_and_its_own_fact_closes_the_operation(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    id = await festival.ask_move("t", "b")
    row = await house.operated(id, "done")
    (told,) = await house.facts("TeamMoved")
    assert (row["former"], row["answered"], row["revision"]) == ("a", told["id"], told["revision"])
    assert festival.road.asked == [("teams", "POST", "/teams/t/moves")]
    assert list((await festival.commands("teams")).values()) == [(1, 1)]
    (before, _, ends), (after, begins, _) = await festival.spans("t")
    assert (before, after) == ("a", "b")
    assert ends == begins == told["revision"]
    await at_rest(festival, "t")


async def test_a_target_that_is_not_known_yet_is_waited_for(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t")
    id = await festival.ask_move("t", "b")
    says = await festival.says(festival.moves("t"), "waiting for event b, due ")
    assert says.endswith(" UTC")
    assert festival.road.asked == []
    assert (await house.operation(id))["state"] == "waiting"
    await festival.events("b")
    await house.operated(id, "done")
    assert await house.links("event_team") == {"t": "b"}
    await at_rest(festival, "t")


async def test_a_team_that_is_not_known_yet_is_waited_for(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    id = await festival.ask_move("t", "b")
    await festival.says(festival.moves("t"), "waiting for team t, due ")
    await festival.teams("a", "t")
    await house.operated(id, "done")
    await at_rest(festival, "t")


@pytest.mark.parametrize("lacking", ["b", "t"])
async def test_at_its_deadline_a_move_that_could_not_begin_expires(open_festival: Festival, lacking: str) -> None:
    festival, house = open_festival, open_festival.house
    if lacking == "t":
        await festival.events("a", "b")
    else:
        await festival.events("a")
        await festival.teams("a", "t")
    id = await festival.ask_move("t", "b")
    await festival.says(festival.moves("t"), "waiting for")
    await house.fast_forward(festival.moves("t"), A_DAY)
    row = await house.operated(id, "expired")
    assert row["reason"] == f"{'event b' if lacking == 'b' else 'team t'} was not heard of in time"
    assert festival.road.asked == []
    await house.closed(festival.moves("t"))


@pytest.mark.parametrize(("gone", "reason"), [("event/b", "event b is deleted"), ("team/t", "team t is deleted")])
async def test_what_is_deleted_cannot_be_moved(open_festival: Festival, gone: str, reason: str) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    kind, key = gone.split("/")
    await festival.do(f"{kind}s", "DELETE", f"/{kind}s/{key}")
    await festival.known(kind, [key], "deleted")
    row = await house.operated(await festival.ask_move("t", "b"), "refused")
    assert row["reason"] == reason
    assert festival.road.asked == []
    await at_rest(festival, "t")


async def test_a_team_that_is_deleted_while_its_target_is_waited_for_is_not_moved(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a")
    await festival.teams("a", "t")
    id = await festival.ask_move("t", "b")
    await festival.says(festival.moves("t"), "waiting for event b")
    await festival.do("teams", "DELETE", "/teams/t")
    row = await house.operated(id, "refused")
    assert row["reason"] == "team t is deleted"
    await house.closed(festival.moves("t"))


async def test_who_refuses_after_an_answer_was_lost_may_have_moved_it_all_the_same(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.post.holding.add("teams")
    festival.road.lost["teams"] = 1
    id = await festival.ask_move("t", "b")

    async def lost() -> bool:
        return festival.road.lost["teams"] == 0

    await until(lost)
    festival.road.refused = {"/moves": (404, "default backend")}  # its proxy, while it starts again
    row = await house.operated(id, "refused")
    assert row["reason"] == "MoveTeam at teams refused with 404: default backend; it may still move"
    await festival.post.let_go()
    assert await house.links("event_team") == {"t": "b"}
    await at_rest(festival, "t")


async def test_an_owner_that_knows_better_refuses_with_its_reason(open_festival: Festival) -> None:
    """The team is elsewhere already, which Tether has not heard of."""
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b", "c")
    await festival.teams("a", "t")
    festival.post.holding.add("teams")
    await festival.do("teams", "POST", "/teams/t/moves", event_id="c")
    row = await house.operated(await festival.ask_move("t", "b"), "refused")
    assert row["reason"] == (
        "MoveTeam at teams refused with 412: The team 't' is in 'c', not in 'a'. Read it again, then decide anew."
    )
    assert await house.links("event_team") == {"t": "a"}
    await festival.post.let_go()
    assert await house.links("event_team") == {"t": "c"}
    await at_rest(festival, "t")


async def test_an_owner_that_does_not_want_to_refuses_with_its_reason(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.road.refused["/teams/t/moves"] = (422, "the draw is over")
    before = await festival.spans("t")
    row = await house.operated(await festival.ask_move("t", "b"), "refused")
    assert row["reason"] == "MoveTeam at teams refused with 422: the draw is over"
    assert await festival.spans("t") == before
    assert not await house.facts("TeamMoved")
    await at_rest(festival, "t")


async def test_what_is_there_already_is_done_and_nobody_is_asked(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("b")
    await festival.teams("b", "t")
    await house.operated(await festival.ask_move("t", "b"), "done")
    assert festival.road.asked == []
    await at_rest(festival, "t")


async def test_an_owner_that_moves_by_itself_needs_no_workflow(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    await festival.do("teams", "POST", "/teams/t/moves", event_id="b")

    async def moved() -> bool:
        return await house.links("event_team") == {"t": "b"}

    await until(moved)
    assert await house.count("intents") == 0
    for subject in (festival.moves("t"), house.instance("event_team", "a").subject):
        assert not await house.starter.runs(subject)
    assert await house.count("waits") == 0


@pytest.mark.parametrize("detached", [True, False])
async def test_a_team_of_no_event_is_moved_into_one(open_festival: Festival, detached: bool) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a" if detached else None, "t")
    if detached:
        await festival.do("teams", "DELETE", "/teams/t/event")

    async def of_none() -> bool:
        return await house.links("event_team") == {}

    await until(of_none)
    row = await house.operated(await festival.ask_move("t", "b"), "done")
    assert row["former"] is None
    assert await house.links("event_team") == {"t": "b"}
    await at_rest(festival, "t")


async def test_a_relationship_that_declares_no_move_has_none(festival: Festival) -> None:
    house = festival.house
    with pytest.raises(Conflict, match="category_item declares no command that moves a item; declare move=…"):
        await moves.start(
            house.pool,
            house.tenant,
            house.relationship("category_item"),
            child="i",
            to="c",
            actor="test",
            idempotency_key=None,
        )


async def test_a_workflow_whose_id_says_nothing_fails_with_the_mend(open_festival: Festival) -> None:
    house = open_festival.house
    handle = await house.client.start_workflow(
        "MoveWorkflow", event("TeamMoved", "t"), id=f"{house.tenant}/nonsense", task_queue=house.tenant
    )
    with pytest.raises(Exception, match="Workflow execution failed") as failure:
        await handle.result()
    assert "use the id tenant/move/about/key" in str(failure.value.__cause__)


async def test_a_fact_about_somebody_else_does_not_answer_a_move_whatever_it_claims(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("A", "B")
    await festival.teams("A", "t1", "t2")
    festival.post.holding = {"teams"}
    id = await festival.ask_move("t1", "B")
    await house.operated(id, "asked")
    claim = {**event("TeamRenamed", "t2", 9, correlation=encode_operation(id), name="x"), "source": "/teams"}
    await house.tell(claim)
    assert (await house.operation(id))["state"] == "asked"
    await festival.post.let_go()
    await house.operated(id, "done")
