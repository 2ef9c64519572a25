"""Moves of a team to another event: its owner is asked once the event lives, and its own fact closes the operation."""

from datetime import timedelta

import pytest

from errors import Conflict
from facts.correlation import encode_operation
from messages.operation_reasons import describe_operation
from store.operations import moves
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack

A_DAY = timedelta(hours=24, seconds=1)


async def at_rest(scenario: Scenario, *teams: str) -> None:
    """Nothing is under way."""
    await scenario.harness.wait_until_at_rest()
    for team in teams:
        await scenario.harness.wait_for_workflow_end(scenario.move_subject(team))


async def test_the_owner_is_asked_once_and_its_own_fact_closes_the_operation(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    row = await harness.wait_for_operation(id, "done")
    (told,) = await harness.facts("TeamMoved")
    assert (row.former_parent, row.confirmed_by, row.revision) == ("a", told["id"], told["revision"])
    assert scenario.transport.requests == [("teams", "POST", "/teams/t/moves")]
    assert list((await scenario.commands("teams")).values()) == [(1, 1)]
    (before, _, ends), (after, begins, _) = await scenario.link_versions("t")
    assert (before, after) == ("a", "b")
    assert ends == begins == told["revision"]
    await at_rest(scenario, "t")


async def test_a_target_that_is_not_known_yet_is_waited_for(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    says = await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b, due ")
    assert says.endswith(" UTC")
    assert scenario.transport.requests == []
    assert (await harness.operation(id)).state == "waiting"
    await scenario.create_events("b")
    await harness.wait_for_operation(id, "done")
    assert await harness.links("event_team") == {"t": "b"}
    await at_rest(scenario, "t")


async def test_a_team_that_is_not_known_yet_is_waited_for(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for team t, due ")
    await scenario.create_teams("a", "t")
    await harness.wait_for_operation(id, "done")
    await at_rest(scenario, "t")


@pytest.mark.parametrize("lacking", ["b", "t"])
async def test_at_its_deadline_a_move_that_could_not_begin_expires(running_scenario: Scenario, lacking: str) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    if lacking == "t":
        await scenario.create_events("a", "b")
    else:
        await scenario.create_events("a")
        await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for")
    await harness.fast_forward(scenario.move_subject("t"), A_DAY)
    row = await harness.wait_for_operation(id, "expired")
    kind = "event" if lacking == "b" else "team"
    assert (row.ended_because, row.end_details) == ("entity_missing", {"kind": kind, "key": lacking})
    assert scenario.transport.requests == []
    await harness.wait_for_workflow_end(scenario.move_subject("t"))


@pytest.mark.parametrize(("gone", "reason"), [("event/b", "event b is deleted"), ("team/t", "team t is deleted")])
async def test_what_is_deleted_cannot_be_moved(running_scenario: Scenario, gone: str, reason: str) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    kind, key = gone.split("/")
    await scenario.request_owner(f"{kind}s", "DELETE", f"/{kind}s/{key}")
    await scenario.wait_for_entities(kind, [key], "deleted")
    row = await harness.wait_for_operation(await scenario.request_move("t", "b"), "refused")
    assert describe_operation(row) == reason
    assert scenario.transport.requests == []
    await at_rest(scenario, "t")


async def test_a_team_that_is_deleted_while_its_target_is_waited_for_is_not_moved(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b")
    await scenario.request_owner("teams", "DELETE", "/teams/t")
    row = await harness.wait_for_operation(id, "refused")
    assert describe_operation(row) == "team t is deleted"
    await harness.wait_for_workflow_end(scenario.move_subject("t"))


async def test_who_refuses_after_an_answer_was_lost_may_have_moved_it_all_the_same(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    scenario.transport.lost["teams"] = 1
    id = await scenario.request_move("t", "b")

    async def lost() -> bool:
        return scenario.transport.lost["teams"] == 0

    await eventually(lost)
    scenario.transport.refused = {"/moves": (404, "default backend")}  # its proxy, while it starts again
    row = await harness.wait_for_operation(id, "refused")
    assert describe_operation(row) == "MoveTeam at teams refused with 404: default backend; it may still move"
    await scenario.relay.release()
    assert await harness.links("event_team") == {"t": "b"}
    await at_rest(scenario, "t")


async def test_an_owner_that_knows_better_refuses_with_its_reason(running_scenario: Scenario) -> None:
    """The team is elsewhere already, which Tether has not heard of."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b", "c")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    await scenario.request_owner("teams", "POST", "/teams/t/moves", event_id="c")
    row = await harness.wait_for_operation(await scenario.request_move("t", "b"), "refused")
    assert describe_operation(row) == (
        "MoveTeam at teams refused with 412: The team 't' is in 'c', not in 'a'. Read it again, then decide anew."
    )
    assert await harness.links("event_team") == {"t": "a"}
    await scenario.relay.release()
    assert await harness.links("event_team") == {"t": "c"}
    await at_rest(scenario, "t")


async def test_an_owner_that_does_not_want_to_refuses_with_its_reason(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.transport.refused["/teams/t/moves"] = (422, "the draw is over")
    before = await scenario.link_versions("t")
    row = await harness.wait_for_operation(await scenario.request_move("t", "b"), "refused")
    assert describe_operation(row) == "MoveTeam at teams refused with 422: the draw is over"
    assert await scenario.link_versions("t") == before
    assert not await harness.facts("TeamMoved")
    await at_rest(scenario, "t")


async def test_what_is_there_already_is_done_and_nobody_is_asked(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("b")
    await scenario.create_teams("b", "t")
    await harness.wait_for_operation(await scenario.request_move("t", "b"), "done")
    assert scenario.transport.requests == []
    await at_rest(scenario, "t")


async def test_an_owner_that_moves_by_itself_needs_no_workflow(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    await scenario.request_owner("teams", "POST", "/teams/t/moves", event_id="b")

    async def moved() -> bool:
        return await harness.links("event_team") == {"t": "b"}

    await eventually(moved)
    assert await harness.count_rows("outbox") == 0
    for subject in (scenario.move_subject("t"), harness.instance("event_team", "a").subject):
        assert not await harness.starter.runs(subject)
    assert await harness.count_rows("waits") == 0


@pytest.mark.parametrize("detached", [True, False])
async def test_a_team_of_no_event_is_moved_into_one(running_scenario: Scenario, detached: bool) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a" if detached else None, "t")
    if detached:
        await scenario.request_owner("teams", "DELETE", "/teams/t/event")

    async def of_none() -> bool:
        return await harness.links("event_team") == {}

    await eventually(of_none)
    row = await harness.wait_for_operation(await scenario.request_move("t", "b"), "done")
    assert row.former_parent is None
    assert await harness.links("event_team") == {"t": "b"}
    await at_rest(scenario, "t")


async def test_a_relationship_that_declares_no_move_has_none(scenario: Scenario) -> None:
    harness = scenario.harness
    with pytest.raises(Conflict, match="category_item declares no command that moves a item; declare move=…"):
        await moves.start(
            harness.pool,
            harness.tenant,
            harness.relationship("category_item"),
            child="i",
            to="c",
            actor="test",
            idempotency_key=None,
        )


async def test_a_workflow_whose_id_says_nothing_fails_with_the_mend(running_scenario: Scenario) -> None:
    harness = running_scenario.harness
    handle = await harness.client.start_workflow(
        "MoveWorkflow", event("TeamMoved", "t"), id=f"{harness.tenant}/nonsense", task_queue=harness.tenant
    )
    with pytest.raises(Exception, match="Workflow execution failed") as failure:
        await handle.result()
    assert "use the id tenant/move/about/key" in str(failure.value.__cause__)


async def test_a_fact_about_somebody_else_does_not_answer_a_move_whatever_it_claims(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("A", "B")
    await scenario.create_teams("A", "t1", "t2")
    scenario.relay.holding = {"teams"}
    id = await scenario.request_move("t1", "B")
    await harness.wait_for_operation(id, "requested")
    claim = {**event("TeamRenamed", "t2", 9, correlation=encode_operation(id), name="x"), "source": "/teams"}
    await harness.record(claim)
    assert (await harness.operation(id)).state == "requested"
    await scenario.relay.release()
    await harness.wait_for_operation(id, "done")
