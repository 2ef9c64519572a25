"""kill -9 of every part, one after another, in the middle of an import: nothing is lost, and nothing is there twice."""

import asyncio
import gzip
import json
import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from examples.data import FLIGHTS
from model import lines
from model.facts import read
from model.fold import fold
from tests.support.events import Event, event
from tests.support.eventually import eventually
from tests.support.processes import PARTS, Running, running
from tests.support.strategies import deliver

pytestmark = [pytest.mark.faults, pytest.mark.stack, pytest.mark.slow]

SEED = 20130101
FLIGHTS_TOLD = 3_400
LINKED = ("g2", "alone0")
"""A group that has no channel and a channel of nobody: linked on request, while Temporal is away."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tether-") as path:
        Path(path).chmod(0o711)  # PostgreSQL may have to run as someone else
        yield Path(path)


def flights(count: int) -> list[Event]:
    """So many of the sample's facts; some of what they refer to is missing."""
    with gzip.open(FLIGHTS) as file:
        events = [json.loads(line) for line in file]
    return random.Random(SEED).sample(events, count)


def groups_and_channels(count: int) -> Iterator[Event]:
    """Of three groups one has its channel, one has a channel too many, one has none; some channels are nobody's."""
    for n in range(count):
        yield event("GroupCreated", f"g{n}", 1, name=f"Group {n}")
        if n % 3 < 2:
            yield event("ChannelCreated", f"c{n}", 1, requested_by=f"g{n}", name=f"Group {n}")
        if n % 3 == 1:
            yield event("ChannelCreated", f"d{n}", 1, requested_by=f"g{n}", name="too many")
            yield event("GroupRenamed", f"g{n}", 2, name=f"Group {n} renamed")
        if n % 5 == 0:
            yield event("ChannelCreated", f"alone{n}", 1, name="alone")
            yield event("ChannelCreated", f"early{n}", 1, requested_by=f"never{n}", name="its group never comes")
        if n % 10 == 9:
            yield event("GroupDeleted", f"g{n}", 3)


class Import:
    """`tether import -`, fed line by line: it goes on for as long as we have something to say."""

    def __init__(self, stack: Running) -> None:
        self._stack = stack
        self._process = stack.tether(
            *("import", "-", "--batch", "25", "--concurrency", "2", "--output", "json"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    async def say(self, events: list[Event]) -> None:
        """Returns when it has read them, not when they are recorded."""
        assert self._process.stdin is not None
        assert self._process.poll() is None
        content = b"".join(json.dumps(event).encode() + b"\n" for event in events)
        await asyncio.to_thread(self._process.stdin.write, content)
        await asyncio.to_thread(self._process.stdin.flush)

    async def end(self) -> dict[str, int]:
        """What it says of all of it."""
        out, err = await asyncio.to_thread(self._process.communicate)
        assert self._process.returncode == 0, err.decode()
        told: dict[str, int] = json.loads(out)
        return told


async def facts(stack: Running) -> int:
    count: int = (await stack.database("select count(*) from facts where source <> '/tether'"))[0][0]
    return count


async def test_an_import_survives_the_death_of_every_part(folder: Path, catalog: Catalog) -> None:
    told = [*flights(FLIGHTS_TOLD), *groups_and_channels(60)]
    delivered = deliver(SEED, told)
    share = len(delivered) // (len(PARTS) + 1)
    async with running(folder) as stack:
        importing = Import(stack)
        for number, part in enumerate(PARTS):
            before = await facts(stack)
            saying = asyncio.create_task(importing.say(delivered[number * share : (number + 1) * share]))

            async def under_way(some: int = before + share // 3) -> bool:
                return await facts(stack) >= some

            await eventually(under_way)
            back = await stack.kill(part)
            if part == "temporal":
                operation = await stack.link("group_channel", *LINKED)
            await eventually(back)
            await saying
        await importing.say(delivered[len(PARTS) * share :])
        answer = await importing.end()

        assert answer["accepted"] + answer["duplicates"] == len(delivered)
        assert answer["quarantined"] == answer["rejected"] == 0
        assert answer["accepted"] <= len(told)  # a batch whose answer was lost was told again
        await nothing_is_lost_and_nothing_twice(stack, told)
        await only_what_truly_waits_has_a_workflow(stack)
        assert await stack.operation(operation) == "done"
        await the_state_is_the_models(stack, told, catalog)
        await verified(stack)


async def nothing_is_lost_and_nothing_twice(stack: Running, told: list[Event]) -> None:
    rows = await stack.database("select source, id from facts where source <> '/tether'")
    assert sorted((r["source"], r["id"]) for r in rows) == sorted((e["source"], e["id"]) for e in told)


async def the_state_is_the_models(stack: Running, told: list[Event], catalog: Catalog) -> None:
    rows = await stack.database("select * from facts where type = 'Linked.v1'")
    own = [
        {**row, "subject": row["key"], "time": row["time"].isoformat(), "data": json.loads(row["data"])} for row in rows
    ]
    assert [(event["data"]["parent"], event["subject"]) for event in own] == [LINKED]
    state = fold(catalog, [read(catalog, event) for event in (*told, *own)])
    assert await stack.links(catalog) == lines.relationship_lines(catalog, state)
    rows = await stack.database("select kind, key, state from entities where to_revision = 9223372036854775807")
    assert {(r["kind"], r["key"]): r["state"] for r in rows} == {at: e.state for at, e in state.entities.items()}


async def only_what_truly_waits_has_a_workflow(stack: Running) -> None:
    """Groups and channels from their first fact on; the others' timeout may be over or not."""

    await stack.at_rest()
    waiting = await stack.database("select parent from waits where relationship = 'group_channel'")
    parents = {row["parent"] for row in waiting}
    without_channel = {f"g{n}" for n in range(60) if n % 3 == 2 and n % 10 != 9} - {LINKED[0]}
    assert parents == without_channel | {f"never{n}" for n in range(0, 60, 5)}
    started = await stack.waits_with_workflow()
    assert {f"main/group_channel/{parent}" for parent in parents} <= set(started)
    assert set(started.values()) == {1}


async def verified(stack: Running) -> None:
    verify = stack.tether("verify", "--rebuild", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = await asyncio.to_thread(verify.communicate)
    assert verify.returncode == 0, out.decode()
