"""Moves whose owner is unavailable, or whose responses are lost."""

from datetime import timedelta
from typing import Any

import pytest

from messages.operation_reasons import describe_operation
from store.operations import operations
from tests.support.eventually import eventually
from tests.support.scenario import Scenario
from tests.workflows.move.test_moves import A_DAY, wait_until_at_rest

pytestmark = pytest.mark.stack


async def wait_until_stuck(scenario: Scenario, id: str, part: str) -> Any:
    """Waits until an operation is stuck for a reason that contains ``part``; returns it."""

    async def there() -> Any:
        row = await scenario.harness.operation(id)
        return row if row.stuck_since is not None and part in describe_operation(row) else None

    return await eventually(there)


async def test_move_request_is_repeated_until_the_owner_is_available(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    row = await wait_until_stuck(scenario, id, "MoveTeam at teams answered 503")
    assert row.state == "requested"
    scenario.transport.away.clear()
    await harness.fast_forward(scenario.move_subject("t"), timedelta(hours=2))
    row = await harness.wait_for_operation(id, "done")
    assert (describe_operation(row), row.stuck_since) == ("", None)
    assert len(set(scenario.transport.keys)) == 1
    assert len(scenario.transport.keys) > 1
    assert await scenario.effects("teams") == 1
    await wait_until_at_rest(scenario, "t")


async def test_move_expires_with_the_error_of_its_unavailable_owner(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    await wait_until_stuck(scenario, id, "answered 503")
    await harness.fast_forward(scenario.move_subject("t"), A_DAY)
    row = await harness.wait_for_operation(id, "expired")
    assert "answered 503" in describe_operation(row)
    assert describe_operation(row).endswith("; it may still move")
    await harness.wait_for_workflow_end(scenario.move_subject("t"))


async def test_move_whose_responses_are_lost_has_one_effect(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.relay.holding.add("teams")
    scenario.transport.lost["teams"] = 2
    id = await scenario.request_move("t", "b")
    await wait_until_stuck(scenario, id, "answered 503")
    await harness.fast_forward(scenario.move_subject("t"), timedelta(minutes=1))

    async def requested_again() -> bool:
        return len(scenario.transport.keys) >= 3 and (await harness.operation(id)).stuck_since is None

    await eventually(requested_again)
    await scenario.relay.release()
    await harness.wait_for_operation(id, "done")
    assert list((await scenario.commands("teams")).values()) == [(3, 1)]
    assert len(await harness.facts("TeamMoved")) == 1
    await wait_until_at_rest(scenario, "t")


async def test_move_cancelled_while_the_owner_is_unavailable_has_no_effect(running_scenario: Scenario) -> None:
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", "t")
    scenario.transport.away.add("teams")
    id = await scenario.request_move("t", "b")
    await wait_until_stuck(scenario, id, "answered 503")
    await operations.cancel(harness.pool, harness.tenant, id)
    await harness.wait_for_operation(id, "cancelled")
    await harness.wait_for_workflow_end(scenario.move_subject("t"))
    scenario.transport.away.clear()
    assert await scenario.effects("teams") == 0
    assert await harness.links("event_team") == {"t": "a"}
