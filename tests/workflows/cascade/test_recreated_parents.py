"""An event is deleted and created again: its old teams are deleted however soon that was, its new ones are not."""

from datetime import timedelta

import pytest

from store.operations import ended_life
from tests.support.eventually import eventually_true
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import wait_until_at_rest

pytestmark = pytest.mark.stack

TEAMS = [f"t{n}" for n in range(8)]


@pytest.mark.parametrize("again", ["in the same batch", "at once", "after the first request", "after the cascade"])
async def test_old_teams_are_deleted_however_soon_their_event_is_created_again(
    running_scenario: Scenario, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    monkeypatch.setattr(ended_life, "STOP_AFTER", timedelta(minutes=1))  # a busy machine takes more than a second
    scenario, harness = running_scenario, running_scenario.harness
    await scenario.create_events("a")
    await scenario.create_teams("a", *TEAMS)
    scenario.relay.holding.add("events")
    await scenario.request_owner("events", "DELETE", "/events/a")
    await scenario.request_owner("events", "POST", "/events", id="a", name="again")
    deleted, created = [await scenario.relay.take(fact, "a") for fact in ("EventDeleted", "EventCreated")]
    if again == "in the same batch":
        await harness.record(deleted, created)
    else:
        await harness.record(deleted)
        if again == "after the first request":
            await eventually_true(lambda: bool(scenario.transport.requests))
        elif again == "after the cascade":
            await scenario.wait_for_cascade("a")
        await harness.record(created)
    await scenario.create_teams("a", "new")
    await scenario.wait_for_entities("team", TEAMS, "deleted")
    row = await scenario.wait_for_cascade("a")
    assert (row.requested, row.confirmed, row.skipped, row.ended_because) == (8, 8, 0, None)
    await wait_until_at_rest(scenario)
    assert await scenario.teams_at_owner() == {"new": "a"}
    assert await scenario.effects("teams") == 8
