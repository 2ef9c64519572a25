"""Records one history of each kind of run into ``tests/replay/histories``: ``python -m tests.replay.record``.

New kinds of runs are added, old ones stay: a history that no longer replays says that running workflows would break.
One is recorded anew, ``python -m tests.replay.record NAME…``, only after a change of its workflow that is meant to
break running ones, which must be none by then.
"""

import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

import httpx2
from temporalio.client import Client, WorkflowHandle

import temporal
from catalog import catalog as catalogs
from devstack.testing import temporary_postgres, temporary_temporal
from facts.correlation import encode
from store.db.pool import create_pool
from store.migrate import migrate
from tests.replay.scenarios import SCENARIOS, ScenarioStory
from tests.support.events import event
from tests.support.harness import Harness
from tests.support.scenario import Scenario
from tests.workflows.conftest import SETTINGS
from tests.workflows.relationship.test_deadlines import A_DAY, patience_ends

HISTORIES = Path(__file__).parent / "histories"
ROOT = str(Path(__file__).parents[2])
FEW = {"limit.historyCount.suggestContinueAsNew": "80"}
GROUP = event("GroupCreated", "g1", name="Rowing")
CHANNEL = event("ChannelCreated", "c1", name="Rowing", correlation=encode("group_channel", "g1"))

Story = Callable[[Harness], Awaitable[None]]


async def complete(harness: Harness) -> None:
    """Asked for, told, linked, announced."""
    await harness.record(GROUP)
    await harness.wait_for_facts("GroupChannelLinked")


async def parent_late(harness: Harness) -> None:
    """The channel came first."""
    await harness.record(CHANNEL)
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(GROUP)
    await harness.wait_for_facts("GroupChannelLinked")


async def overdue(harness: Harness) -> None:
    """Nobody told of a channel."""
    harness.channels.silent = True
    await harness.record(GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.skip("group_channel", "g1", A_DAY)
    await harness.wait_for_facts("RelationshipOverdue")


async def late(harness: Harness) -> None:
    """The run that follows an overdue one."""
    await overdue(harness)
    await harness.wait_for_end("group_channel", "g1")
    await harness.record(CHANNEL)
    await harness.wait_for_facts("GroupChannelLinked")


async def refused(harness: Harness) -> None:
    """The owner does not want to; the group is deleted in the end."""
    harness.channels.answers = [httpx2.Response(422, text="no")]
    await harness.record(GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(event("GroupDeleted", "g1", 2))


async def explicit_link(harness: Harness) -> None:
    """Linked by hand, before the channel was there."""
    harness.channels.silent = True
    await harness.record(GROUP)
    await harness.link("group_channel", "g1", "c1")
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(event("ChannelCreated", "c1", name="Rowing"))
    await harness.wait_for_facts("GroupChannelLinked")


async def signal_door(harness: Harness) -> None:
    """Told by services straight to the workflow, nonsense included."""
    harness.channels.silent = True
    handle = await harness.client.start_workflow(
        "RelationshipWorkflow",
        {"tenant": harness.tenant, "relationship": "group_channel", "parent": "g1"},
        id=f"{harness.tenant}/group_channel/g1",
        task_queue=harness.tenant,
        start_signal="GroupCreated",
        start_signal_args=[GROUP],
    )
    await harness.wait_until_waiting("group_channel", "g1")
    await handle.signal("GroupRenamed", "nonsense")
    await handle.signal("ChannelCreated", {**CHANNEL, "correlationid": None})
    await harness.wait_for_facts("GroupChannelLinked")


async def continued(harness: Harness) -> None:
    """A run that made way for another: this is the first."""
    harness.channels.silent = True
    await harness.record(GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    handle = harness.handle("group_channel", "g1")
    for number in range(2, 40):
        await handle.signal("GroupRenamed", event("GroupRenamed", "g1", number, name=f"n{number}"))
    await harness.wait_for_facts("GroupRenamed", 38)
    await harness.record(CHANNEL)
    await harness.wait_for_facts("GroupChannelLinked")


async def missing_category(harness: Harness) -> None:
    """A placeholder's wait, begun by the end of patience."""
    await harness.record(event("ItemAdded", "i1", name="x", category="g1"))
    await patience_ends(harness)
    await harness.wait_until_waiting("category_item", "g1")
    await harness.record(event("CategoryAdded", "g1", name="Books"))


STORIES: dict[str, Story] = {
    story.__name__: story
    for story in (
        complete,
        parent_late,
        overdue,
        late,
        refused,
        explicit_link,
        signal_door,
        continued,
        missing_category,
    )
}

CONTINUED = ("continued", "cascade_continued")
"""Those of whose runs it is the first that counts."""
NAMES = (*STORIES, *SCENARIOS)


async def _run_story(story: Story, harness: Harness) -> WorkflowHandle[Any, Any]:
    relationship = "category_item" if story is missing_category else "group_channel"
    async with harness.running():
        await story(harness)
        await harness.wait_for_end(relationship, "g1")
    return harness.handle(relationship, "g1")


async def _run_scenario(story: ScenarioStory, harness: Harness) -> WorkflowHandle[Any, Any]:
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(harness, Path(folder))
        async with scenario.running(), harness.running():
            subject = await story(scenario)
            await harness.wait_for_workflow_end(subject)
        return harness.workflow(subject)


async def _keep(name: str, harness: Harness, handle: WorkflowHandle[Any, Any]) -> None:
    if name in CONTINUED:
        first = (await handle.describe()).raw_description.workflow_execution_info.first_run_id
        handle = harness.client.get_workflow_handle(handle.id, run_id=first)
    text = json.dumps((await handle.fetch_history()).to_json_dict(), indent=1) + "\n"
    file = HISTORIES / f"{name}.json"
    file.write_text(text.replace(socket.gethostname(), "somewhere").replace(ROOT, "/tether"))


async def main(names: Collection[str]) -> None:
    """Every story of these names on one stack, each under a tenant of its name."""
    settings = (SETTINGS | FEW).items()
    extra = [word for name, value in settings for word in ("--dynamic-config-value", f"{name}={value}")]
    async with temporary_postgres() as postgres, temporary_temporal(extra=extra) as server:
        catalog = catalogs.load()
        pool = await create_pool(postgres.url, 8)
        await migrate(pool, catalog)
        client = await Client.connect(server.address, plugins=[temporal.plugin()])
        for name in names:
            harness = Harness(pool, catalog, client, name)
            if name in STORIES:
                handle = await _run_story(STORIES[name], harness)
            else:
                handle = await _run_scenario(SCENARIOS[name], harness)
            await _keep(name, harness, handle)
            await harness.recorder.close()
        await pool.close()


if __name__ == "__main__":
    missing = [name for name in NAMES if not (HISTORIES / f"{name}.json").exists()]
    asyncio.run(main(sys.argv[1:] or missing))
