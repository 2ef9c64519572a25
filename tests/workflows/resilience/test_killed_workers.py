"""Workers and owners that are killed in the middle: what they began is taken up, and has its effect once."""

import asyncio
import sys
from pathlib import Path

import pytest

from devstack.temporal_server import TemporalServer
from tests.support.festival import Festival
from tests.support.harness import House
from tests.workflows.cascade.test_cascades import all_done, call_off, counts

pytestmark = [pytest.mark.stack, pytest.mark.faults, pytest.mark.slow]

TEAMS = [f"t{n:02}" for n in range(20)]


async def die(house: House, database: str, server: TemporalServer, folder: Path, step: str) -> None:
    """Until a process of workers and owners has died there; the dispatcher is ours."""
    async with house.dispatching():
        killed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.dying_festival"),
            *(database, server.address, house.tenant, str(folder), step),
            cwd=Path(__file__).parents[3],
        )
        try:
            assert await asyncio.wait_for(killed.wait(), 60) == 9
        finally:
            if killed.returncode is None:
                killed.kill()


@pytest.mark.parametrize("step", ["before it asks", "after it has asked"])
async def test_a_move_is_taken_up(
    house: House, database_url: str, server: TemporalServer, tmp_path: Path, step: str
) -> None:
    festival = Festival(house, tmp_path)
    async with festival.running():
        await festival.events("a", "b")
        await festival.teams("a", "t")
    id = await festival.ask_move("t", "b")
    await die(house, database_url, server, tmp_path, step)
    festival = Festival(house, tmp_path)
    async with festival.running(), house.open():
        await house.operated(id, "done", 60)
        assert [effects for _, effects in (await festival.commands("teams")).values()] == [1]
        assert [event for event, _, _ in await festival.spans("t")] == ["a", "b"]
        await house.closed(festival.moves("t"))
    await house.at_rest()


@pytest.mark.parametrize(
    "step",
    [
        "before it asks",
        "in the middle of asking",
        "after it has asked",
        "before it remembers",
        "after it has remembered",
    ],
)
async def test_a_cascade_is_taken_up(
    house: House, database_url: str, server: TemporalServer, tmp_path: Path, step: str
) -> None:
    festival = Festival(house, tmp_path)
    async with festival.running():
        await festival.events("a")
        await festival.teams("a", *TEAMS)
        await call_off(festival)
        await festival.known("event", ["a"], "deleted")
    await die(house, database_url, server, tmp_path, step)
    festival = Festival(house, tmp_path)
    async with festival.running(), house.open():
        assert counts(await festival.cascaded("a", seconds=60)) == all_done(len(TEAMS))
        assert await festival.teams_at_owner() == {}
        assert [effects for _, effects in (await festival.commands("teams")).values()] == [1] * len(TEAMS)
        await house.closed(festival.end("a"))
    await house.at_rest()
