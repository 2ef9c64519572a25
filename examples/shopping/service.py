"""Shopping: shows customers from its own copy, which may be stale, or as they are now, as Tether knows them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Literal
from urllib.parse import quote

import asyncpg
import httpx2
from fastapi import FastAPI, HTTPException, Query

from examples.shopping.customers import Customers
from tether.consumer import Follower

REPLICA = "shopping_customer"
CONSUMER = "shopping"
FILTER = {"replica": REPLICA, "changes": "only"}
"""What it copies: the declared fields of users, and only when one of those changes."""
RETRY = (
    OSError,
    httpx2.TransportError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
)
"""Errors while Tether or the database is away."""

Freshness = Annotated[
    Literal["stale", "latest"], Query(description="`stale`: from the copy, at once. `latest`: all that Tether knows.")
]


def application(
    database: str, tether: httpx2.AsyncClient, failed: Callable[[BaseException | None], object] = print
) -> FastAPI:
    """The service as an ASGI application, which keeps its copy during its lifespan.

    ``database``: URL of its PostgreSQL; ``tether``: client with the base URL and a key of the scope
    ``consume:shopping``; ``failed`` is called if the copy cannot be kept any more, such as when another process has
    taken it over.
    """
    customers: Customers

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        nonlocal customers
        async with asyncpg.create_pool(database, min_size=1, max_size=4) as pool, tether:
            customers = Customers(pool)
            await customers.create()
            following = asyncio.create_task(Follower(customers, tether, FILTER, consumer=CONSUMER).run(RETRY))
            following.add_done_callback(lambda task: None if task.cancelled() else failed(task.exception()))
            yield
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    app = FastAPI(title="shopping", lifespan=lifespan)

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        """The service answers."""
        return {"status": "ok"}

    @app.get("/customers/{key}")
    async def customer(key: str, freshness: Freshness = "stale") -> dict[str, Any]:
        """One customer, with the point of the feed that the answer is as of. 404: no such user. 503: no copy yet."""
        if freshness == "latest":
            return await _latest(tether, key)
        found = await customers.find(key)
        if found is None:
            raise HTTPException(503, "The first copy is being made. Try again in a moment.")
        if found.fields is None:
            raise HTTPException(404, f"There is no user {key!r} in the copy. Read with freshness=latest.")
        return {"id": key, **found.fields, "as_of": found.as_of}

    @app.get("/customers")
    async def all_customers() -> dict[str, Any]:
        """All rows of the copy, and its position."""
        position, rows = await customers.snapshot()
        return {"position": position, "rows": rows}

    return app


async def _latest(tether: httpx2.AsyncClient, key: str) -> dict[str, Any]:
    query = {"freshness": "latest", "consumer": CONSUMER}
    answer = await tether.get(f"/v1/replicas/{REPLICA}/{quote(key, safe='')}", params=query)
    if answer.status_code == 404 or (answer.is_success and answer.json()["state"] != "live"):
        raise HTTPException(404, f"There is no user {key!r}.")
    answer.raise_for_status()
    found = answer.json()
    return {"id": key, **found["data"], "as_of": found["token"], "copy": found["copy"]}
