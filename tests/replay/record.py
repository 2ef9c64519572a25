"""Records the history of each story into a folder: ``python -m tests.replay.record [FOLDER [NAME…]]``.

``histories/before`` was recorded by earlier releases and never changes: a history that no longer replays says that
running workflows would break; ``histories/before.SHA256SUMS`` has their hashes. ``histories/now`` was recorded by this
release; stories without a file there are added.
"""

import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from temporalio.client import Client

import temporal
from catalog import catalog as catalogs
from devstack.testing import temporary_postgres, temporary_temporal
from examples.people.service import PEOPLE
from messages.workflow_ids import Subject
from store.db.pool import create_pool
from store.migrate import migrate
from tests.replay.stories import cascade, delivery, merge, move, plan, relationship, signals, upkeep
from tests.support.harness import Harness
from tests.support.scenario import OWNERS, Scenario
from tests.workflows.conftest import SETTINGS

HISTORIES = Path(__file__).parent / "histories"
_HOST = socket.gethostname()
PLACES = {
    f'@{_HOST}"': '@somewhere"',
    f"@{_HOST}-": "@somewhere-",
    sys.prefix: "/tether/.venv",
    str(Path(__file__).parents[2]): "/tether",
}
"""Host and paths of the recording machine → their replacements in histories, applied in this order. The host is
replaced only in identities and names of queues: a short name may also occur within base64 payloads."""
FEW = {"limit.historyCount.suggestContinueAsNew": "80"}

Story = Callable[[Scenario], Awaitable[Subject | str]]
OPENING = (*move.OPENING, *plan.OPENING, *merge.OPENING, *upkeep.OPENING)
"""Stories that start Tether's processes themselves, with other declarations."""
STORIES: dict[str, Story] = {
    story.__name__: story
    for module in (relationship, signals, move, cascade, plan, merge, delivery, upkeep)
    for story in module.STORIES
}
CONTINUED = ("continued", "cascade_continued", "cascade_unanswered")
"""Stories of which the first run is kept; of all others the last run is."""


async def _play(story: Story, harness: Harness) -> Subject | str:
    """Plays a story until its workflow has closed. Returns what that is about, or its id if it has no subject."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(harness, Path(folder), {**OWNERS, "people": PEOPLE})
        scenario.transport.owners["channels"] = harness.channels.transport
        async with scenario.running():
            if story in OPENING:
                return await story(scenario)
            async with harness.running():
                subject = await story(scenario)
                if isinstance(subject, str):
                    await harness.client.get_workflow_handle(subject).result()
                else:
                    await harness.wait_for_workflow_end(subject)
                return subject


async def _keep(name: str, harness: Harness, subject: Subject | str, folder: Path) -> None:
    id = subject if isinstance(subject, str) else harness.workflow(subject).id
    handle = harness.client.get_workflow_handle(id)
    if name in CONTINUED:
        first = (await handle.describe()).raw_description.workflow_execution_info.first_run_id
        handle = harness.client.get_workflow_handle(handle.id, run_id=first)
    text = json.dumps((await handle.fetch_history()).to_json_dict(), indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    for place, neutral in PLACES.items():
        text = text.replace(place, neutral)
    (folder / f"{name}.json").write_text(text)


async def main(folder: Path, names: Collection[str]) -> None:
    """Records stories into the folder, all on one stack, each under a tenant of its name."""
    settings = (SETTINGS | FEW).items()
    extra = [word for name, value in settings for word in ("--dynamic-config-value", f"{name}={value}")]
    async with temporary_postgres() as postgres, temporary_temporal(extra=extra) as server:
        catalog = catalogs.load()
        pool = await create_pool(postgres.url, 8)
        await migrate(pool, catalog)
        client = await Client.connect(server.address, plugins=[temporal.plugin()])
        for name in names:
            harness = Harness(pool, catalog, client, name)
            await _keep(name, harness, await _play(STORIES[name], harness), folder)
            await harness.recorder.close()
        await pool.close()


if __name__ == "__main__":
    folder = HISTORIES / (sys.argv[1] if len(sys.argv) > 1 else "now")
    missing = [name for name in STORIES if not (folder / f"{name}.json").exists()]
    asyncio.run(main(folder, sys.argv[2:] or missing))
