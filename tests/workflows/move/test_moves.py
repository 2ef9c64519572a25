"""Moves of a team to another event: requested once the event exists, and confirmed by the owner's own fact."""

from datetime import timedelta

import pytest

from errors import Conflict
from facts.correlation import encode_operation
from gateways.answers import ATTEMPTS, LONGEST_PAUSE
from messages.operation_reasons import describe_operation
from store.operations import moves
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack

A_DAY = timedelta(hours=24, seconds=1)


async def wait_until_at_rest(scenario: Scenario, *teams: str) -> None:
    """Waits until nothing is left to dispatch or to wait for, and the workflows of these teams have ended."""
    await scenario.harness.wait_until_at_rest()
    for team in teams:
        await scenario.harness.wait_for_workflow_end(scenario.move_subject(team))


async def test_move_is_requested_once_and_confirmed_by_the_owners_fact(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    row = await harness.wait_for_operation(id, "done")
    (moved,) = await harness.facts("TeamMoved")
    assert (row.former_parent, row.confirmed_by, row.revision) == ("a", moved["id"], moved["revision"])
    assert scenario.transport.requests == [("teams", "POST", "/teams/t/moves")]
    assert list((await scenario.commands("teams")).values()) == [(1, 1)]
    (before, _, ends), (after, begins, _) = await scenario.link_versions("t")
    assert (before, after) == ("a", "b")
    assert ends == begins == moved["revision"]
    await wait_until_at_rest(scenario, "t")


async def test_move_waits_for_an_unknown_target(running_scenario: Scenario) -> None:
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
    await wait_until_at_rest(scenario, "t")


async def test_move_waits_for_an_unknown_team(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for team t, due ")
    await scenario.create_teams("a", "t")
    await harness.wait_for_operation(id, "done")
    await wait_until_at_rest(scenario, "t")


@pytest.mark.parametrize("missing", ["b", "t"])
async def test_move_that_could_not_begin_expires_at_its_deadline(running_scenario: Scenario, missing: str) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    if missing == "t":
        await scenario.create_events("a", "b")
    else:
        await scenario.create_events("a")
        await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for")
    await harness.fast_forward(scenario.move_subject("t"), A_DAY)
    row = await harness.wait_for_operation(id, "expired")
    kind = "event" if missing == "b" else "team"
    assert (row.ended_because, row.end_details) == ("entity_missing", {"kind": kind, "key": missing})
    assert scenario.transport.requests == []
    await harness.wait_for_workflow_end(scenario.move_subject("t"))


@pytest.mark.parametrize(("gone", "reason"), [("event/b", "event b is deleted"), ("team/t", "team t is deleted")])
async def test_move_with_a_deleted_side_is_refused(running_scenario: Scenario, gone: str, reason: str) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    kind, key = gone.split("/")
    await scenario.request_owner(f"{kind}s", "DELETE", f"/{kind}s/{key}")
    await scenario.wait_for_entities(kind, [key], "deleted")
    row = await harness.wait_for_operation(await scenario.request_move("t", "b"), "refused")
    assert describe_operation(row) == reason
    assert scenario.transport.requests == []
    await wait_until_at_rest(scenario, "t")


async def test_deletion_of_a_team_refuses_its_waiting_move(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await scenario.wait_for_description(scenario.move_subject("t"), "waiting for event b")
    await scenario.request_owner("teams", "DELETE", "/teams/t")
    row = await harness.wait_for_operation(id, "refused")
    assert describe_operation(row) == "team t is deleted"
    await harness.wait_for_workflow_end(scenario.move_subject("t"))


async def test_refusal_after_a_lost_answer_says_that_it_may_still_move(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    scenario.transport.lost["teams"] = 1
    id = await scenario.request_move("t", "b")

    async def lost() -> bool:
        return scenario.transport.lost["teams"] == 0

    await eventually(lost)
    scenario.transport.refused = {"/moves": (404, "default backend")}  # as its proxy answers while the owner restarts
    row = await scenario.harness.wait_until_refused(id, scenario.move_subject("t"))
    assert describe_operation(row) == "MoveTeam at teams refused with 404: default backend; it may still move"
    await scenario.relay.release()
    assert await harness.links("event_team") == {"t": "b"}
    await wait_until_at_rest(scenario, "t")


async def test_refusal_for_an_outdated_parent_shows_the_owners_reason(running_scenario: Scenario) -> None:
    """The team is in another event already, and that fact does not arrive in time."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b", "c")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    await scenario.request_owner("teams", "POST", "/teams/t/moves", event_id="c")
    row = await scenario.harness.wait_until_refused(await scenario.request_move("t", "b"), scenario.move_subject("t"))
    assert describe_operation(row) == (
        "MoveTeam at teams refused with 412: The team 't' is in 'c', not in 'a'. Read it, then send a new request."
    )
    assert await harness.links("event_team") == {"t": "a"}
    await scenario.relay.release()
    assert await harness.links("event_team") == {"t": "c"}
    await wait_until_at_rest(scenario, "t")


@pytest.mark.parametrize("status", [409, 412])
async def test_move_is_done_once_the_fact_that_contradicted_it_arrives(running_scenario: Scenario, status: int) -> None:
    """As if the fact had arrived just before the request."""
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b", "c")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    await scenario.request_owner("teams", "POST", "/teams/t/moves", event_id="c")
    if status == 409:  # another owner might answer so
        scenario.transport.refused = {"/moves": (409, "it is in c")}
    id = await scenario.request_move("t", "b")

    async def contradicted() -> bool:
        row = await harness.operation(id)
        return row.contradictions > 0 and str(status) in describe_operation(row)

    await eventually(contradicted)
    scenario.transport.refused = {}
    await scenario.relay.release()
    await harness.fast_forward(scenario.move_subject("t"), timedelta(seconds=LONGEST_PAUSE))
    row = await harness.wait_for_operation(id, "done")
    assert (row.former_parent, row.owner_may_still_act) == ("c", False)
    assert await scenario.teams_at_owner() == {"t": "b"}
    assert await scenario.effects("teams") == 1
    await wait_until_at_rest(scenario, "t")


async def test_conflict_of_a_move_is_refused_after_some_attempts(running_scenario: Scenario) -> None:
    scenario = running_scenario
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.transport.refused["/teams/t/moves"] = (409, "its fee is not paid")
    row = await scenario.harness.wait_until_refused(await scenario.request_move("t", "b"), scenario.move_subject("t"))
    assert describe_operation(row) == "MoveTeam at teams refused with 409: its fee is not paid"
    assert len(set(scenario.transport.keys)) == 1
    assert len(scenario.transport.keys) == ATTEMPTS
    await wait_until_at_rest(scenario, "t")


async def test_refused_move_shows_the_owners_reason_and_changes_nothing(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.transport.refused["/teams/t/moves"] = (422, "the draw is over")
    before = await scenario.link_versions("t")
    row = await harness.wait_for_operation(await scenario.request_move("t", "b"), "refused")
    assert describe_operation(row) == "MoveTeam at teams refused with 422: the draw is over"
    assert await scenario.link_versions("t") == before
    assert not await harness.facts("TeamMoved")
    await wait_until_at_rest(scenario, "t")


async def test_move_to_the_current_event_is_done_without_a_request(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("b")
    await scenario.create_teams("b", "t")
    await harness.wait_for_operation(await scenario.request_move("t", "b"), "done")
    assert scenario.transport.requests == []
    await wait_until_at_rest(scenario, "t")


async def test_move_by_the_owner_starts_no_workflow(running_scenario: Scenario) -> None:
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
async def test_team_without_event_is_moved_into_one(running_scenario: Scenario, detached: bool) -> None:
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
    await wait_until_at_rest(scenario, "t")


async def test_move_by_a_relationship_without_move_command_is_refused(scenario: Scenario) -> None:
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


async def test_workflow_with_meaningless_id_fails_and_says_which_id_to_use(running_scenario: Scenario) -> None:
    harness = running_scenario.harness
    handle = await harness.client.start_workflow(
        "MoveWorkflow", event("TeamMoved", "t"), id=f"{harness.tenant}/nonsense", task_queue=harness.tenant
    )
    with pytest.raises(Exception, match="Workflow execution failed") as failure:
        await handle.result()
    assert "use the id tenant/move/about/key" in str(failure.value.__cause__)


async def test_move_is_not_confirmed_by_a_fact_about_another_team(running_scenario: Scenario) -> None:
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
