"""Two processes of Shopping that begin at once: one keeps the copy, and the other one ends."""

import asyncio
import random

import asyncpg

from examples.shopping.customers import Customers
from tests.support.fake_feed import FeedServer
from tether.consumer import Follower, Superseded


async def test_of_two_processes_that_begin_a_copy_at_once_one_keeps_it(database_url: str) -> None:
    async with asyncpg.create_pool(database_url, min_size=0, max_size=4) as database:
        copy = Customers(database)
        await copy.create()
        for seed in range(20):
            await database.execute("delete from copies; delete from customer_editions")
            dice = random.Random(seed)

            async def pause(dice: random.Random = dice) -> None:
                await asyncio.sleep(dice.random() * 0.003)

            server = FeedServer(pause)
            server.changes = [("ann", 1), ("bob", 2)]
            both = [Follower(copy, server, {"replica": "r"}, consumer="shopping", poll=0.0) for _ in range(2)]
            await asyncio.gather(*(one.take_over() for one in both))
            for _ in range(3):
                ends = await asyncio.gather(*(one.step() for one in both), return_exceptions=True)
                assert sorted(map(str, map(type, ends))) == sorted(map(str, (type(None), Superseded)))
            position, rows = await copy.snapshot()
            assert (position["fence"], position["edition"], position["offset"]) == (server.generation, 1, "00000002")
            assert server.acknowledged == 2
            assert [key for key, _ in rows] == ["ann", "bob"]
