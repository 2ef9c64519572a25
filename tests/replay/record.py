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
from tests.replay.festivals import FESTIVITIES, Festivity
from tests.support.festival import Festival
from tests.support.harness import House, event
from tests.workflows.conftest import SETTINGS
from tests.workflows.relationship.test_deadlines import A_DAY, patience_ends

HISTORIES = Path(__file__).parent / "histories"
ROOT = str(Path(__file__).parents[2])
FEW = {"limit.historyCount.suggestContinueAsNew": "80"}
GROUP = event("GroupCreated", "g1", name="Rowing")
CHANNEL = event("ChannelCreated", "c1", name="Rowing", correlation=encode("group_channel", "g1"))

Story = Callable[[House], Awaitable[None]]


async def complete(house: House) -> None:
    """Asked for, told, linked, announced."""
    await house.tell(GROUP)
    await house.told("GroupChannelLinked")


async def parent_late(house: House) -> None:
    """The channel came first."""
    await house.tell(CHANNEL)
    await house.waiting("group_channel", "g1")
    await house.tell(GROUP)
    await house.told("GroupChannelLinked")


async def overdue(house: House) -> None:
    """Nobody told of a channel."""
    house.channels.silent = True
    await house.tell(GROUP)
    await house.waiting("group_channel", "g1")
    await house.skip("group_channel", "g1", A_DAY)
    await house.told("RelationshipOverdue")


async def late(house: House) -> None:
    """The run that follows an overdue one."""
    await overdue(house)
    await house.ended("group_channel", "g1")
    await house.tell(CHANNEL)
    await house.told("GroupChannelLinked")


async def refused(house: House) -> None:
    """The owner does not want to; the group is deleted in the end."""
    house.channels.answers = [httpx2.Response(422, text="no")]
    await house.tell(GROUP)
    await house.waiting("group_channel", "g1")
    await house.tell(event("GroupDeleted", "g1", 2))


async def explicit_link(house: House) -> None:
    """Linked by hand, before the channel was there."""
    house.channels.silent = True
    await house.tell(GROUP)
    await house.link("group_channel", "g1", "c1")
    await house.waiting("group_channel", "g1")
    await house.tell(event("ChannelCreated", "c1", name="Rowing"))
    await house.told("GroupChannelLinked")


async def signal_door(house: House) -> None:
    """Told by services straight to the workflow, nonsense included."""
    house.channels.silent = True
    handle = await house.client.start_workflow(
        "RelationshipWorkflow",
        {"tenant": house.tenant, "relationship": "group_channel", "parent": "g1"},
        id=f"{house.tenant}/group_channel/g1",
        task_queue=house.tenant,
        start_signal="GroupCreated",
        start_signal_args=[GROUP],
    )
    await house.waiting("group_channel", "g1")
    await handle.signal("GroupRenamed", "nonsense")
    await handle.signal("ChannelCreated", {**CHANNEL, "correlationid": None})
    await house.told("GroupChannelLinked")


async def continued(house: House) -> None:
    """A run that made way for another: this is the first."""
    house.channels.silent = True
    await house.tell(GROUP)
    await house.waiting("group_channel", "g1")
    handle = house.handle("group_channel", "g1")
    for number in range(2, 40):
        await handle.signal("GroupRenamed", event("GroupRenamed", "g1", number, name=f"n{number}"))
    await house.told("GroupRenamed", 38)
    await house.tell(CHANNEL)
    await house.told("GroupChannelLinked")


async def missing_category(house: House) -> None:
    """A placeholder's wait, begun by the end of patience."""
    await house.tell(event("ItemAdded", "i1", name="x", category="g1"))
    await patience_ends(house)
    await house.waiting("category_item", "g1")
    await house.tell(event("CategoryAdded", "g1", name="Books"))


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
NAMES = (*STORIES, *FESTIVITIES)


async def _told(story: Story, house: House) -> WorkflowHandle[Any, Any]:
    relationship = "category_item" if story is missing_category else "group_channel"
    async with house.open():
        await story(house)
        await house.ended(relationship, "g1")
    return house.handle(relationship, "g1")


async def _celebrated(festivity: Festivity, house: House) -> WorkflowHandle[Any, Any]:
    with tempfile.TemporaryDirectory() as folder:
        festival = Festival(house, Path(folder))
        async with festival.running(), house.open():
            subject = await festivity(festival)
            await house.closed(subject)
        return house.workflow(subject)


async def _keep(name: str, house: House, handle: WorkflowHandle[Any, Any]) -> None:
    if name in CONTINUED:
        first = (await handle.describe()).raw_description.workflow_execution_info.first_run_id
        handle = house.client.get_workflow_handle(handle.id, run_id=first)
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
            house = House(pool, catalog, client, name)
            if name in STORIES:
                handle = await _told(STORIES[name], house)
            else:
                handle = await _celebrated(FESTIVITIES[name], house)
            await _keep(name, house, handle)
            await house.recorder.close()
        await pool.close()


if __name__ == "__main__":
    missing = [name for name in NAMES if not (HISTORIES / f"{name}.json").exists()]
    asyncio.run(main(sys.argv[1:] or missing))
