"""kill -9 of every part in turn during an import: no fact is lost, and none is stored twice."""

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
from tests.support.sampling import THOROUGH
from tests.support.strategies import deliver

pytestmark = [pytest.mark.faults, pytest.mark.stack, pytest.mark.slow]

SEED = 20130101
FLIGHT_FACTS = 3_400 if THOROUGH else 1_500
LINKED = ("g2", "alone0")
"""A group without channel and a channel without group, which are linked on request while Temporal is stopped."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tether-") as path:
        Path(path).chmod(0o711)  # PostgreSQL may have to run as another user
        yield Path(path)


def flights(count: int) -> list[Event]:
    """A random sample of ``count`` facts of the flights; some entities that they refer to are missing."""
    with gzip.open(FLIGHTS) as file:
        events = [json.loads(line) for line in file]
    return random.Random(SEED).sample(events, count)


def groups_and_channels(count: int) -> Iterator[Event]:
    """Facts of ``count`` groups: a third has one channel, a third two, a third none; some channels have no group."""
    for n in range(count):
        yield event("GroupCreated", f"g{n}", 1, name=f"Group {n}")
        if n % 3 < 2:
            yield event("ChannelCreated", f"c{n}", 1, requested_by=f"g{n}", name=f"Group {n}")
        if n % 3 == 1:
            yield event("ChannelCreated", f"d{n}", 1, requested_by=f"g{n}", name="too many")
            yield event("GroupRenamed", f"g{n}", 2, name=f"Group {n} renamed")
        if n % 5 == 0:
            yield event("ChannelCreated", f"alone{n}", 1, name="alone")
            yield event("ChannelCreated", f"early{n}", 1, requested_by=f"never{n}", name="its group is missing")
        if n % 10 == 9:
            yield event("GroupDeleted", f"g{n}", 3)


class Import:
    """`tether import -`, which runs until its standard input is closed."""

    def __init__(self, stack: Running) -> None:
        self._stack = stack
        self._process = stack.tether(
            *("import", "-", "--batch", "25", "--concurrency", "2", "--output", "json"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    async def write(self, events: list[Event]) -> None:
        """Writes facts to its standard input; returns when they are read, not when they are recorded."""
        assert self._process.stdin is not None
        assert self._process.poll() is None
        content = b"".join(json.dumps(event).encode() + b"\n" for event in events)
        await asyncio.to_thread(self._process.stdin.write, content)
        await asyncio.to_thread(self._process.stdin.flush)

    async def end(self) -> dict[str, int]:
        """Closes its standard input and waits for its end; returns its report."""
        out, err = await asyncio.to_thread(self._process.communicate)
        assert self._process.returncode == 0, err.decode()
        report: dict[str, int] = json.loads(out)
        return report


async def facts(stack: Running) -> int:
    count: int = (await stack.database("select count(*) from facts where source <> '/tether'"))[0][0]
    return count


async def test_import_loses_and_repeats_no_fact_when_every_part_is_killed(folder: Path, catalog: Catalog) -> None:
    published = [*flights(FLIGHT_FACTS), *groups_and_channels(60)]
    delivered = deliver(SEED, published)
    share = len(delivered) // (len(PARTS) + 1)
    async with running(folder) as stack:
        importing = Import(stack)
        for number, part in enumerate(PARTS):
            before = await facts(stack)
            writing = asyncio.create_task(importing.write(delivered[number * share : (number + 1) * share]))

            async def recorded(count: int = before + share // 3) -> bool:
                return await facts(stack) >= count

            await eventually(recorded)
            back = await stack.kill(part)
            if part == "temporal":
                operation = await stack.link("group_channel", *LINKED)
            await eventually(back)
            await writing
        await importing.write(delivered[len(PARTS) * share :])
        answer = await importing.end()

        assert answer["accepted"] + answer["duplicates"] == len(delivered)
        assert answer["quarantined"] == answer["rejected"] == 0
        assert answer["accepted"] <= len(published)  # a batch whose answer was lost is sent again
        await check_each_fact_is_stored_once(stack, published)
        await check_only_waits_have_a_workflow(stack)
        assert await stack.operation(operation) == "done"
        await check_state_equals_the_model(stack, published, catalog)
        await check_verify_succeeds(stack)


async def check_each_fact_is_stored_once(stack: Running, published: list[Event]) -> None:
    rows = await stack.database("select source, id from facts where source <> '/tether'")
    assert sorted((r["source"], r["id"]) for r in rows) == sorted((e["source"], e["id"]) for e in published)


async def check_state_equals_the_model(stack: Running, published: list[Event], catalog: Catalog) -> None:
    rows = await stack.database("select * from facts where type = 'Linked.v1'")
    own = [
        {**row, "subject": row["key"], "time": row["time"] and row["time"].isoformat(), "data": json.loads(row["data"])}
        for row in rows
    ]
    assert [(event["data"]["parent"], event["subject"]) for event in own] == [LINKED]
    state = fold(catalog, [read(catalog, event) for event in (*published, *own)])
    assert await stack.links(catalog) == lines.relationship_lines(catalog, state)
    rows = await stack.database("select kind, key, state from entities where to_revision = 9223372036854775807")
    assert {(r["kind"], r["key"]): r["state"] for r in rows} == {at: e.state for at, e in state.entities.items()}


async def check_only_waits_have_a_workflow(stack: Running) -> None:
    """Checks the waits of group_channel, each with a workflow; other waits may be in their grace period or not."""

    await stack.at_rest()
    waiting = await stack.database("select parent from waits where relationship = 'group_channel'")
    parents = {row["parent"] for row in waiting}
    without_channel = {f"g{n}" for n in range(60) if n % 3 == 2 and n % 10 != 9} - {LINKED[0]}
    assert parents == without_channel | {f"never{n}" for n in range(0, 60, 5)}
    started = await stack.waits_with_workflow()
    assert {f"main/group_channel/{parent}" for parent in parents} <= set(started)
    assert set(started.values()) == {1}


async def check_verify_succeeds(stack: Running) -> None:
    verify = stack.tether("verify", "--rebuild", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = await asyncio.to_thread(verify.communicate)
    assert verify.returncode == 0, out.decode()
