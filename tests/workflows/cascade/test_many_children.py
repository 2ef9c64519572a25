"""Large cascades, and owners that misbehave: everything is done, and nothing twice."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from examples.owner.misbehaviour.settings import BusyAnswers, MisbehaviourSettings, SlowAnswers
from messages.signals import Nudge
from messages.workflow_ids import Subject
from tests.support.eventually import eventually
from tests.support.sampling import THOROUGH
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import all_done, counts, delete_at_owner, wait_until_at_rest

pytestmark = pytest.mark.stack

AT_ONCE = 32
COUNT = 2_000 if THOROUGH else 600
"""Teams of the large cascade: several pages of a sweep."""
STORM = MisbehaviourSettings(
    slow=SlowAnswers(share=0.3, seconds=0.01),
    unavailable_before=0.3,
    unavailable_after=0.3,
    busy=BusyAnswers(share=0.3),
    dropped=0.3,
    duplicated=0.3,
    reordered=0.3,
    seed=7,
)
"""About three of four requests have no effect, or an effect that the response does not report."""


async def register(scenario: Scenario, event: str, teams: Sequence[str]) -> None:
    """Registers teams at their owner, AT_ONCE at a time."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(team: str) -> None:
        async with slots:
            await scenario.request_owner("teams", "POST", "/teams", id=team, name=team, event_id=event)

    await asyncio.gather(*map(one, teams))


async def move(scenario: Scenario, event: str, teams: Sequence[str]) -> None:
    """Moves teams at their owner, one after the other."""
    for team in teams:
        answer = await scenario.client["teams"].post(f"/teams/{team}/moves", json={"event_id": event})
        assert answer.status_code in (200, 410)


async def hurry(scenario: Scenario, subject: Subject, id: str) -> Any:
    """Waits until an operation is done; returns it. Sets its workflow's clock forward, so that pauses are short."""

    async def done() -> Any:
        with suppress(RPCError):  # it has not begun, or has ended
            await scenario.harness.fast_forward(subject, timedelta(minutes=2))
        row = await scenario.harness.operation(id)
        return row if row.state == "done" else None

    return await eventually(done, 120)


async def _requested(scenario: Scenario, part: str) -> bool:
    return any(path.startswith(part) for _, _, path in scenario.transport.requests)


@pytest.mark.slow
async def test_large_cascade_handles_arrivals_and_moves(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    teams = [f"t{n:04}" for n in range(COUNT)]
    await scenario.create_events("a", "b")
    await register(scenario, "a", teams)
    await scenario.wait_for_entities("team", teams)
    middle, late = COUNT // 2, COUNT // 10
    leaving = teams[middle : middle + 100]
    scenario.relay.holding.add("teams")
    await move(scenario, "b", leaving[:50])
    await delete_at_owner(scenario)
    seen: list[dict[str, int]] = []
    end = harness.workflow(scenario.cascade_subject("a"))
    runs: list[str] = []

    async def watch() -> None:
        while True:
            with suppress(RPCError):  # nothing runs, yet or any more
                await end.signal("TeamCreated", Nudge(source="/teams", id="x", revision=1))
                runs.append(str((await end.describe()).run_id))
            row = await scenario.newest_cascade("a")
            if row is not None:
                seen.append(counts(row))

    watching = asyncio.create_task(watch())
    await eventually(lambda: _requested(scenario, f"/teams/{leaving[0][:3]}"))
    await scenario.relay.release()
    await asyncio.gather(
        move(scenario, "b", leaving[50:]), register(scenario, "a", [f"late{n:03}" for n in range(late)])
    )

    async def over() -> bool:
        row = await scenario.newest_cascade("a")
        return bool(row.state == "done" and row.found >= COUNT + late - len(await scenario.teams_at_owner("b")))

    await eventually(over, 120)
    watching.cancel()
    assert await scenario.teams_at_owner("a") == {}
    there = await scenario.teams_at_owner("b")
    assert set(leaving[:50]) <= set(there) <= set(leaving)
    assert await harness.links("event_team") == there
    row = counts(await scenario.newest_cascade("a"))
    assert row["confirmed"] == COUNT + late - len(there)
    assert row["found"] == row["confirmed"] + row["skipped"]
    assert (row["parked"], row["remaining"]) == (0, 0)
    for name in ("found", "confirmed", "skipped"):
        assert [counted[name] for counted in seen] == sorted(counted[name] for counted in seen), name
    assert row["skipped"] >= 1
    status = (await harness.client.get_workflow_handle(end.id, run_id=runs[0]).describe()).status
    assert status is WorkflowExecutionStatus.CONTINUED_AS_NEW
    deletions = Counter(effects for _, effects in (await scenario.commands("teams")).values())
    assert deletions[1] == row["confirmed"]
    assert set(deletions) <= {0, 1}
    await wait_until_at_rest(scenario)


async def test_cascade_with_a_long_history_continues_as_new(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", "t1")
    scenario.transport.away.add("teams")
    await delete_at_owner(scenario)
    await scenario.wait_for_description(scenario.cascade_subject("a"), "answered 503")
    handle = harness.workflow(scenario.cascade_subject("a"))
    first = (await handle.describe()).run_id

    async def continued() -> bool:
        await asyncio.gather(
            *(handle.signal("TeamCreated", {"source": "/teams", "id": "x", "revision": 1}) for _ in range(20))
        )
        return (await handle.describe()).run_id != first

    await eventually(continued, 60)
    progress = await scenario.progress(scenario.cascade_subject("a"))
    assert progress["runs"] == 1
    status = (await harness.client.get_workflow_handle(handle.id, run_id=first).describe()).status
    assert status is WorkflowExecutionStatus.CONTINUED_AS_NEW
    scenario.transport.away.clear()
    await harness.fast_forward(scenario.cascade_subject("a"), timedelta(hours=2))
    assert counts(await scenario.wait_for_cascade("a")) == all_done(1)
    await wait_until_at_rest(scenario)


async def test_commands_to_misbehaving_owners_have_one_effect_each(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    teams = [f"t{n:02}" for n in range(60)]
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", *teams)
    await scenario.create_teams("b", "m")
    for owner in ("events", "teams"):
        scenario.misbehave(owner, STORM)
    await hurry(scenario, scenario.move_subject("m"), await scenario.request_move("m", "a"))
    row = await hurry(scenario, scenario.cascade_subject("a"), await scenario.request_deletion("a"))
    assert counts(row) == all_done(61)
    for owner in ("events", "teams"):
        scenario.misbehave(owner, MisbehaviourSettings())
    assert await scenario.teams_at_owner() == {}
    for owner, commanded in (("events", 1), ("teams", 62)):
        commands = await scenario.commands(owner)
        assert [effects for _, effects in commands.values()] == [1] * commanded
    assert sum(attempts for attempts, _ in (await scenario.commands("teams")).values()) > 62
    await wait_until_at_rest(scenario)
    assert await harness.links("event_team") == {}
