"""Workers and owners that are killed midway: others continue their operations, and each effect happens once."""

from pathlib import Path

import pytest

from devstack.temporal_server import TemporalServer
from tests.support import forked, killed_scenario
from tests.support.harness import Harness
from tests.support.scenario import Scenario
from tests.workflows.cascade.test_cascades import all_done, counts, delete_at_owner

pytestmark = [pytest.mark.stack, pytest.mark.faults, pytest.mark.slow]

TEAMS = [f"t{n:02}" for n in range(20)]


async def run_until_killed(harness: Harness, database: str, server: TemporalServer, folder: Path, step: str) -> None:
    """Runs a process with a worker and owners until it ends at the step; the dispatcher runs in this process."""
    async with harness.dispatching():
        killed = forked.start(killed_scenario.main, database, server.address, harness.tenant, folder, step)
        assert await forked.exit_code(killed) == 9


@pytest.mark.parametrize("step", ["before the first request", "after the first request"])
async def test_another_worker_completes_the_move_of_a_killed_one(
    harness: Harness, database_url: str, server: TemporalServer, tmp_path: Path, step: str
) -> None:
    scenario = Scenario(harness, tmp_path)
    async with scenario.running():
        await scenario.create_events("a", "b")
        await scenario.create_teams("a", "t")
    id = await scenario.request_move("t", "b")
    await run_until_killed(harness, database_url, server, tmp_path, step)
    scenario = Scenario(harness, tmp_path)
    async with scenario.running(), harness.running():
        await harness.wait_for_operation(id, "done", 60)
        assert [effects for _, effects in (await scenario.commands("teams")).values()] == [1]
        assert [event for event, _, _ in await scenario.link_versions("t")] == ["a", "b"]
        await harness.wait_for_workflow_end(scenario.move_subject("t"))
    await harness.wait_until_at_rest()


@pytest.mark.parametrize(
    "step",
    [
        "before the first request",
        "between requests",
        "after the first request",
        "before outcomes are stored",
        "after outcomes are stored",
    ],
)
async def test_another_worker_completes_the_cascade_of_a_killed_one(
    harness: Harness, database_url: str, server: TemporalServer, tmp_path: Path, step: str
) -> None:
    scenario = Scenario(harness, tmp_path)
    async with scenario.running():
        await scenario.create_events("a")
        await scenario.create_teams("a", *TEAMS)
        await delete_at_owner(scenario)
        await scenario.wait_for_entities("event", ["a"], "deleted")
    await run_until_killed(harness, database_url, server, tmp_path, step)
    scenario = Scenario(harness, tmp_path)
    async with scenario.running(), harness.running():
        assert counts(await scenario.wait_for_cascade("a", seconds=60)) == all_done(len(TEAMS))
        assert await scenario.teams_at_owner() == {}
        assert [effects for _, effects in (await scenario.commands("teams")).values()] == [1] * len(TEAMS)
        await harness.wait_for_workflow_end(scenario.cascade_subject("a"))
    await harness.wait_until_at_rest()
