"""Open operations whose declarations are removed from the catalog."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from catalog.catalog import Catalog
from messages.operation_reasons import describe_operation
from store.operations import operations
from store.operations.plans import PlanRequest
from tests.support.eventually import eventually
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack


def without(catalog: Catalog, *commands: str) -> Catalog:
    """Returns the catalog without these commands of event_team; if none is given, without event_team."""
    rels = dict(catalog.relationships)
    rel = rels.pop("event_team")
    if commands:
        removed: dict[str, Any] = dict.fromkeys(commands)
        rels["event_team"] = replace(rel, **removed)
    return Catalog(catalog.contracts, rels)


async def wait_for_reason(scenario: Scenario, id: str) -> str:
    """Waits until an operation is stuck because its declaration is missing; returns the reason."""

    async def reason_given() -> str:
        row = await scenario.harness.operation(id)
        reason = describe_operation(row)
        return reason if reason.startswith("not declared") and row.stuck_since else ""

    reason: str = await eventually(reason_given)
    return reason


@pytest.mark.parametrize("commands", [(), ("move",)])
async def test_move_without_declaration_says_so_and_can_be_cancelled(
    scenario: Scenario, commands: tuple[str, ...]
) -> None:
    harness, declared = scenario.harness, scenario.harness.catalog
    async with harness.running():
        await scenario.create_events("a", "b")
        await scenario.create_teams("a", "t1")
        id = await scenario.request_move("t1", "nowhere")
        await scenario.wait_for_description(scenario.move_subject("t1"), "waiting for event nowhere")
    harness.catalog = without(declared, *commands)
    await operations.cancel(harness.pool, harness.tenant, id)
    async with harness.running():
        row = await harness.wait_for_operation(id, "cancelled")
    assert describe_operation(row).startswith(
        "not declared any more: a command that moves by event_team; declare it again"
    )


async def test_move_continues_once_it_is_declared_again(scenario: Scenario) -> None:
    harness, declared = scenario.harness, scenario.harness.catalog
    async with harness.running():
        await scenario.create_events("a")
        await scenario.create_teams("a", "t1")
        id = await scenario.request_move("t1", "b")
        await scenario.wait_for_description(scenario.move_subject("t1"), "waiting for event b")
    harness.catalog = without(declared, "move")
    async with harness.running():
        await scenario.create_events("b")
        await wait_for_reason(scenario, id)
    harness.catalog = declared
    async with harness.running():
        await harness.fast_forward(scenario.move_subject("t1"), timedelta(minutes=2))
        await harness.wait_for_operation(id, "done")
    assert await harness.links("event_team") == {"t1": "b"}


@pytest.mark.parametrize("commands", [(), ("move",)])
async def test_requested_move_is_repeated_once_it_is_declared_again(
    scenario: Scenario, commands: tuple[str, ...]
) -> None:
    harness, declared = scenario.harness, scenario.harness.catalog
    scenario.transport.refused = {"/moves": (503, "")}
    async with harness.running():
        await scenario.create_events("a", "b")
        await scenario.create_teams("a", "t1")
        id = await scenario.request_move("t1", "b")

        async def tried_twice() -> bool:
            return len(scenario.transport.requests) >= 2

        await eventually(tried_twice)
    harness.catalog = without(declared, *commands)
    async with harness.running():
        await wait_for_reason(scenario, id)
    scenario.transport.refused = {}
    harness.catalog = declared
    async with harness.running():
        await harness.fast_forward(scenario.move_subject("t1"), timedelta(minutes=10))
        await harness.wait_for_operation(id, "done")
    assert await harness.links("event_team") == {"t1": "b"}


async def test_requested_deletion_is_repeated_once_it_is_declared_again(scenario: Scenario) -> None:
    harness, declared = scenario.harness, scenario.harness.catalog
    scenario.transport.refused = {"/events/a": (503, "")}
    async with harness.running():
        await scenario.create_events("a")
        id = await scenario.request_deletion("a")

        async def tried_twice() -> bool:
            return len(scenario.transport.requests) >= 2

        await eventually(tried_twice)
    deleting = {kind: command for kind, command in declared.contracts.deleting.items() if kind != "event"}
    harness.catalog = Catalog(replace(declared.contracts, deleting=deleting), declared.relationships)
    async with harness.running():
        assert "a command that deletes a event" in await wait_for_reason(scenario, id)
    scenario.transport.refused = {}
    harness.catalog = declared
    async with harness.running():
        await harness.fast_forward(scenario.cascade_subject("a"), timedelta(minutes=10))
        await harness.wait_for_operation(id, "done")
    assert await scenario.entity_state("event", "a") == "deleted"


async def test_plan_waits_until_its_command_is_declared_again(scenario: Scenario) -> None:
    harness, declared = scenario.harness, scenario.harness.catalog
    scenario.transport.refused = {"/event": (503, "")}
    async with harness.running():
        await scenario.create_events("a")
        await scenario.create_teams("a", "t1")
        id = (await scenario.execute_plan(PlanRequest("detach", relationship="event_team", parent="a"))).id

        async def stuck() -> bool:
            return bool(describe_operation(await harness.operation(id)))

        await eventually(stuck)
    harness.catalog = without(declared, "detach")
    scenario.transport.refused = {}
    async with harness.running():
        assert "a command for detach by event_team" in await wait_for_reason(scenario, id)
    before = len(scenario.transport.requests)
    harness.catalog = declared
    async with harness.running():
        row = await harness.wait_for_operation(id, "done")
    assert (describe_operation(row), len(scenario.transport.requests) - before) == ("", 1)
    assert await scenario.teams_at_owner() == {"t1": None}
