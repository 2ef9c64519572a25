"""Keeps a copy of users until it is killed."""

from multiprocessing.connection import Connection

import asyncpg
import httpx2

from examples.shopping.customers import Customers
from examples.shopping.service import FILTER, RETRY
from tether.consumer import Follower


async def main(ready: Connection, database: str, tether: str, key: str, page: int, consumer: str | None) -> None:
    """Sends True to ``ready`` once it is connected. ``database`` and ``tether``: URLs; ``page``: items in a page."""
    async with (
        asyncpg.create_pool(database, min_size=1, max_size=1) as pool,
        httpx2.AsyncClient(base_url=tether, headers={"authorization": f"Bearer {key}"}) as client,
    ):
        customers = Customers(pool)
        await customers.create()
        ready.send(True)
        await Follower(customers, client, FILTER, consumer=consumer, page=page).run(RETRY)
