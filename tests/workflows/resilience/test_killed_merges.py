"""Workers that are killed at any step of a merge: another one completes it, each effect happens once, and meanwhile no
reader sees half of it."""

from pathlib import Path

import pytest

from config import Settings
from devstack.temporal_server import TemporalServer
from examples.people.service import PEOPLE
from tests.support.events import event
from tests.support.harness import Harness
from tests.support.merge_reader import View, reading
from tests.support.merge_requests import (
    aliases,
    create_people,
    merge_subject,
    request_merge,
    request_merges,
    retirements,
)
from tests.support.merging import activity
from tests.support.scenario import Scenario
from tests.workflows.resilience.test_killed_workers import run_until_killed

pytestmark = [pytest.mark.stack, pytest.mark.faults, pytest.mark.slow]


APART = View(
    {key: key for key in "abc"},
    {"a": [], "b": ["tb"], "c": ["tc"]},
    {"a": ["va"], "b": ["vb"], "c": ["vc"]},
)
ONE = View(dict.fromkeys("abc", "a"), {key: ["tb", "tc"] for key in "abc"}, {key: ["vb", "va", "vc"] for key in "abc"})


@pytest.mark.parametrize(
    "step",
    [
        "before the merge is recorded",
        "after the merge is recorded",
        "before the proof is stored",
        "after the proof is stored",
        "after the first request",
        "before outcomes are stored",
        "after outcomes are stored",
    ],
)
async def test_another_worker_completes_the_merge_of_a_killed_one(
    harness: Harness, settings: Settings, server: TemporalServer, tmp_path: Path, step: str
) -> None:
    await check_killed_merge(harness, settings, server, tmp_path, step, in_bulk=False)


@pytest.mark.parametrize(
    "step",
    [
        "before the proof is stored",
        "after the proof is stored",
        "after the first request",
        "after outcomes are stored",
    ],
)
async def test_another_worker_completes_the_merges_in_bulk_of_a_killed_one(
    harness: Harness, settings: Settings, server: TemporalServer, tmp_path: Path, step: str
) -> None:
    await check_killed_merge(harness, settings, server, tmp_path, step, in_bulk=True)


async def check_killed_merge(
    harness: Harness, settings: Settings, server: TemporalServer, tmp_path: Path, step: str, *, in_bulk: bool
) -> None:
    """Merges b and c into a; kills the worker at a step, and lets another one complete it. Checks effects and views."""
    scenario = Scenario(harness, tmp_path, {"people": PEOPLE})
    async with scenario.running():
        await create_people(scenario, "a", "b", "c")
        await harness.record(*(event("TicketOpened", f"t{key}", subject="t", person_id=key) for key in "bc"))
        await harness.record(*(activity(f"v{key}", key, f"2026-01-0{n}T00:00:00Z") for n, key in enumerate("cab", 1)))
    async with reading(settings, harness.tenant, "abc") as reader:
        await reader.seen(1)
        if in_bulk:
            id = await request_merges(harness, "a", "b", "c")
        else:
            id = await request_merge(harness, "a", "b", "c")
        await run_until_killed(harness, settings.database_url, server, tmp_path, step)
        scenario = Scenario(harness, tmp_path, {"people": PEOPLE})
        async with scenario.running(), harness.running():
            await harness.wait_for_operation(id, "done", 60)
            await reader.seen(2)
            await harness.wait_for_workflow_end(merge_subject(harness, id))
            assert await aliases(harness) == {"b": "a", "c": "a"}
            assert await retirements(harness, id) == {"b": "confirmed", "c": "confirmed"}
            assert [effects for _, effects in (await scenario.commands("people")).values()] == [1, 1]
        assert len(await harness.facts("Merged")) == (2 if in_bulk else 1)
    assert reader.views == [APART, ONE]
    await harness.wait_until_at_rest()
