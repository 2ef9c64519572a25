"""Puts one owner together: its tables, its endpoints, its relay."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx2
from fastapi import APIRouter, FastAPI, Query, Response
from starlette.middleware import Middleware

from examples.owner import entities, idempotency, outbox
from examples.owner.database import Database
from examples.owner.entities import Entities
from examples.owner.idempotency import Commands
from examples.owner.outbox import Outbox
from examples.owner.problems import answer_with_problems
from examples.owner.relay import Relay


@dataclass(frozen=True)
class Kit:
    """What endpoints work with."""

    entities: Entities
    outbox: Outbox
    commands: Commands


@dataclass(frozen=True)
class Owner:
    """``kind``: what one of its entities is called; ``source``: of its facts; ``routes``: its endpoints."""

    kind: str
    source: str
    routes: Callable[[Kit], APIRouter]


def application(owner: Owner, path: Path, tether: httpx2.AsyncClient, middleware: Sequence[Middleware] = ()) -> FastAPI:
    """The service on the database file ``path``; it publishes through ``tether`` while its lifespan lasts.

    What should misbehave is put around it: requests by ``middleware``, publishing by the client's transport.
    """
    database = Database(path, entities.SCHEMA, outbox.SCHEMA, idempotency.SCHEMA)
    kit = Kit(Entities(database, owner.kind), Outbox(database, owner.source), Commands(database))
    relay = Relay(database, kit.outbox, tether)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        relaying = asyncio.create_task(relay.run(), name="relay")
        try:
            yield
        finally:
            relaying.cancel()
            with suppress(asyncio.CancelledError):
                await relaying
            await tether.aclose()
            await asyncio.to_thread(database.close)

    app = FastAPI(title=owner.source.strip("/"), lifespan=lifespan, middleware=list(middleware))
    answer_with_problems(app)
    app.include_router(owner.routes(kit))
    app.include_router(_insight(kit))
    return app


def _insight(kit: Kit) -> APIRouter:
    """How the service is doing, for operators and tests."""
    router = APIRouter(tags=["insight"])

    @router.get("/healthz")
    async def health() -> dict[str, str]:
        """The service answers."""
        return {"status": "ok"}

    @router.get("/commands")
    def commands(after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 1000) -> dict[str, object]:
        """Attempts and effects of each Idempotency-Key."""
        return {"items": kit.commands.report(after, limit)}

    @router.get("/outbox")
    def facts() -> dict[str, object]:
        """How many facts wait and were published, and which are parked and why."""
        return kit.outbox.report()

    @router.post("/outbox/redrives", status_code=202)
    def redrive() -> Response:
        """Send what is parked once more, after its cause was mended."""
        kit.outbox.redrive()
        return Response(status_code=202)

    return router
