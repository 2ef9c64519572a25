"""`tether.consumer` against a fake server: the copy is exact at its position, wherever a process is killed."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from unittest.mock import AsyncMock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_feed import FeedServer, MemoryCopy
from tether.consumer import Follower, Rejected, Superseded, latest

QUERY = {"replica": "r"}
KEYS = "abcdefgh"


class Killed(BaseException):
    """The process is killed."""


class World:
    """A server that changes while it is read, and processes of a consumer that are killed at given points."""

    def __init__(self, seed: int, kills: list[int], busy: float = 0.3) -> None:
        self.dice = random.Random(seed)
        self.busy = busy
        self.kills = kills
        self.server, self.copy = FeedServer(self.pause), MemoryCopy(self.pause)
        self.page = self.dice.randint(1, 5)
        self.version = "1"

    async def pause(self) -> None:
        """Where a process awaits something: the server changes, or the process is killed."""
        if self.dice.random() < self.busy:
            self.change()
        if self.kills:
            self.kills[0] -= 1
            if self.kills[0] < 0:
                self.kills.pop(0)
                raise Killed

    def change(self) -> None:
        """Changes a key, or deletes it; or trims the feed, ends leases, changes the declaration, or the version."""
        self.server.changes.append((self.dice.choice(KEYS), self.dice.choice([None, *range(9)])))
        if self.dice.random() < 0.05:
            self.server.horizon = len(self.server.changes)
        if self.dice.random() < 0.05:
            self.server.snapshots.clear()
        if self.dice.random() < 0.05:
            self.server.declared = self.dice.choice([0, 100])
        if self.dice.random() < 0.05:
            self.version = self.dice.choice("12")

    def process(self) -> Follower:
        """A process that has just started."""
        return Follower(self.copy, self.server, QUERY, consumer="shopping", page=self.page, version=self.version)

    async def live(self, steps: int) -> bool:
        """Runs one process; returns whether it was killed."""
        with suppress(Killed):
            follower = self.process()
            await follower.take_over()
            for _ in range(steps):
                await follower.step()
                self.check()
            return False
        return True

    def check(self) -> None:
        """The copy is what the server holds at its position, and the server knows of nothing newer."""
        if "offset" in self.copy.at:
            at = self.copy.at
            assert self.copy.rows == self.server.rows(at["offset"], int(at["declaration"]))
            assert self.server.acknowledged <= int(self.copy.at["offset"])
        else:
            assert (self.copy.rows, self.server.acknowledged) == ({}, 0)

    async def finish(self) -> None:
        """Runs a process until the copy has everything, after the last change."""
        self.busy, self.kills = 0.0, []
        follower = self.process()
        await follower.take_over()
        for _ in range(200):
            await follower.step()
            if self.server.acknowledged == len(self.server.changes):
                break
        self.check()
        assert self.copy.at["offset"] == f"{len(self.server.changes):08}"
        assert self.copy.at["declaration"] == f"{self.server.declared}"
        assert {edition for edition, _ in self.copy.stored} <= {self.copy.at["edition"]}


@given(st.integers(), st.lists(st.integers(0, 60), max_size=12), st.integers(1, 20))
@settings(deadline=None)
def test_copy_is_exact_at_its_position_wherever_it_is_killed(seed: int, kills: list[int], steps: int) -> None:
    async def story() -> None:
        world = World(seed, [*kills])
        for _ in range(len(kills) + 1):
            await world.live(steps)
            world.check()
        await world.finish()

    asyncio.run(story())


@pytest.mark.parametrize("seed", range(3))
def test_one_kill_at_each_point_of_a_life_loses_nothing(seed: int) -> None:
    async def story(point: int) -> bool:
        world = World(seed, [point])
        for _ in range(30):
            world.change()
        killed = await world.live(12)
        world.check()
        await world.finish()
        return killed

    point = 0
    while asyncio.run(story(point)):
        point += 1
    assert point > 60


async def quiet() -> None:
    """Nothing happens."""


async def up_to_date(*changes: tuple[str, int | None]) -> tuple[FeedServer, MemoryCopy, Follower]:
    """A server with some changes, and a copy that has them."""
    server, copy = FeedServer(quiet), MemoryCopy(quiet)
    server.changes += changes
    follower = Follower(copy, server, QUERY, consumer="shopping")
    await follower.take_over()
    await follower.step()
    return server, copy, follower


async def test_process_that_was_superseded_writes_and_acknowledges_nothing() -> None:
    server, copy, first = await up_to_date(("a", 1))
    second = Follower(copy, server, QUERY, consumer="shopping")
    await second.take_over()
    server.changes.append(("a", 2))
    with pytest.raises(Superseded):
        await first.step()
    assert (copy.rows, server.acknowledged) == ({"a": 1}, 0)
    await second.step()
    assert copy.rows == {"a": 2}


async def test_page_that_a_superseded_process_has_read_is_not_written() -> None:
    server, copy, first = await up_to_date(("a", 1))
    second = Follower(copy, server, QUERY, consumer="shopping")
    server.changes.append(("a", 2))
    read = server.get

    async def taken_over_meanwhile(*args: object, **rest: object) -> object:
        answer = await read(*args, **rest)  # type: ignore[arg-type]
        await second.take_over()
        return answer

    server.get = taken_over_meanwhile  # type: ignore[assignment]
    with pytest.raises(Superseded):
        await first.step()
    assert copy.rows == {"a": 1}


async def test_readers_see_the_old_edition_until_the_new_one_is_whole() -> None:
    server, copy, follower = await up_to_date(("a", 1), ("b", 1))
    server.changes += [("a", 2), ("b", None), ("c", 2)]
    server.horizon = len(server.changes)
    await follower.step()  # 410
    assert (copy.rows, copy.at["offset"]) == ({"a": 1, "b": 1}, "00000002")
    await follower.step()
    assert (copy.rows, copy.at["offset"]) == ({"a": 2, "c": 2}, "00000005")
    assert len(copy.stored) == 2


async def test_copy_by_another_declaration_is_loaded_again_also_halfway() -> None:
    server, copy, follower = await up_to_date(("a", 1), ("b", 1))
    server.declared = 100
    await follower.step()  # 410
    assert copy.rows == {"a": 1, "b": 1}
    follower = Follower(copy, server, QUERY, consumer="shopping", page=1)
    await follower.take_over()
    server.pause = AsyncMock(side_effect=[None, None, OSError])
    with suppress(OSError):
        await follower.step()  # one row
    server.pause, server.declared = quiet, 200
    await follower.step()
    await follower.step()
    assert copy.rows == {"a": 201, "b": 201}


async def test_copy_of_another_query_or_version_is_loaded_again() -> None:
    server, copy, follower = await up_to_date(("a", 1))
    for version, edition in (("", 1), ("2", 2), ("2", 2)):
        follower = Follower(copy, server, QUERY, version=version)
        await follower.take_over()
        assert copy.rows == {"a": 1}
        await follower.step()
        assert (copy.at["edition"], copy.rows) == (edition, {"a": 1})
    follower = Follower(copy, server, {**QUERY, "changes": "only"}, version="2")
    await follower.take_over()
    await follower.step()
    assert copy.at["edition"] == 3


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_follower_goes_on_after_failures_of_server_and_database(status: int) -> None:
    server, copy = FeedServer(quiet), MemoryCopy(quiet)
    server.changes.append(("a", 1))
    failing(server, "get", status)
    failing(server, "post", status)
    running = asyncio.create_task(Follower(copy, server, QUERY, consumer="shopping").run())
    async with asyncio.timeout(20):
        while server.acknowledged < 1:
            await asyncio.sleep(0.001)
            server.pause = yielding
    running.cancel()
    assert copy.rows == {"a": 1}


async def yielding() -> None:
    """Lets other tasks run."""
    await asyncio.sleep(0)


def failing(server: FeedServer, method: str, status: int) -> None:
    """Lets the first call of a method fail with a status."""
    real: Callable[..., Awaitable[object]] = getattr(server, method)
    left = [status]

    async def once(*args: object, **rest: object) -> object:
        answer = await real(*args, **rest)
        if left:
            answer.status_code = left.pop()  # type: ignore[attr-defined]
        return answer

    setattr(server, method, once)


async def test_request_that_tether_refuses_ends_the_follower() -> None:
    server, _, follower = await up_to_date(("a", 1))
    failing(server, "get", 404)
    with pytest.raises(Rejected, match="404"):
        await follower.step()


def test_last_change_of_each_subject_is_its_state_and_no_fact_about_it() -> None:
    said = [("a", "entity"), ("b", "entity"), ("a", "entity"), ("b", "merged"), ("a", "activity"), ("a", "fact")]
    items = [{"subject": subject, "data": {"change": change}} for subject, change in said]
    assert latest(items) == {"a": items[2], "b": items[1]}
