"""Keeps a copy of users until it is killed: `python -m tests.support.copying_process --help`."""

import argparse
import asyncio
import sys

import asyncpg
import httpx2

from examples.shopping.customers import Customers
from examples.shopping.service import FILTER, RETRY
from tether.consumer import Follower


async def main() -> None:
    """Prints ``ready`` once it is connected."""
    parser = argparse.ArgumentParser()
    for name in ("database", "tether", "key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--page", type=int, default=1_000)
    parser.add_argument("--consumer")
    given = parser.parse_args()
    headers = {"authorization": f"Bearer {given.key}"}
    async with (
        asyncpg.create_pool(given.database, min_size=1, max_size=1) as pool,
        httpx2.AsyncClient(base_url=given.tether, headers=headers) as client,
    ):
        customers = Customers(pool)
        await customers.create()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await Follower(customers, client, FILTER, consumer=given.consumer, page=given.page).run(RETRY)


if __name__ == "__main__":
    asyncio.run(main())
