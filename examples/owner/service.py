"""Assembles one owner: its tables, its endpoints, its relay."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import httpx2
from fastapi import APIRouter, FastAPI, Query, Response
from starlette.middleware import Middleware

from examples.owner import entities, idempotency, outbox
from examples.owner.database import Database
from examples.owner.entities import Entities
from examples.owner.idempotency import Commands
from examples.owner.misbehaviour.publishing import TIMEOUT, Publishing
from examples.owner.misbehaviour.requests import Misbehaving
from examples.owner.misbehaviour.routes import routes
from examples.owner.misbehaviour.settings import Misbehaviour
from examples.owner.outbox import OwnerOutbox
from examples.owner.problems import answer_with_problems
from examples.owner.relay import Relay


@dataclass(frozen=True)
class Kit:
    """What the endpoints of an owner use."""

    database: Database
    outbox: OwnerOutbox
    commands: Commands

    def of(self, kind: str) -> Entities:
        """The service's entities of one kind, such as ``group``."""
        return Entities(self.database, kind)


@dataclass(frozen=True)
class OwnerService:
    """Declaration of an owner. ``source``: that of its facts, such as ``/groups``; ``routes`` makes its endpoints."""

    source: str
    routes: Callable[[Kit], APIRouter]


def application(
    owner: OwnerService,
    path: Path,
    tether: httpx2.AsyncClient,
    middleware: Sequence[Middleware] = (),
    misbehaviour: Misbehaviour | None = None,
) -> FastAPI:
    """The service as an ASGI application, which publishes its facts during its lifespan.

    ``path``: database file; ``tether``: client to publish with; ``middleware``: outermost first; ``misbehaviour``: if
    given, the endpoint ``/misbehaviour`` changes it.
    """
    database = Database(path, entities.SCHEMA, outbox.SCHEMA, idempotency.SCHEMA)
    kit = Kit(database, OwnerOutbox(database, owner.source), Commands(database))
    relaying = partial(Relay, database, kit.outbox, tether)
    around = list(middleware)
    if misbehaviour is None:
        relay = relaying()
    else:
        relay = relaying(arranged=Publishing(misbehaviour).arranged, timeout=TIMEOUT)
        around.append(Middleware(Misbehaving, misbehaviour, kit.commands.attempted))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        publishing = asyncio.create_task(relay.run(), name="relay")
        try:
            yield
        finally:
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing
            await tether.aclose()
            await asyncio.to_thread(database.close)

    app = FastAPI(title=owner.source.strip("/"), lifespan=lifespan, middleware=around)
    answer_with_problems(app)
    app.include_router(owner.routes(kit))
    app.include_router(_insight(kit))
    if misbehaviour is not None:
        app.include_router(routes(misbehaviour))
    return app


def _insight(kit: Kit) -> APIRouter:
    """Endpoints about the state of the service, for operators and tests."""
    router = APIRouter(tags=["insight"])

    @router.get("/healthz")
    async def health() -> dict[str, str]:
        """The service answers."""
        return {"status": "ok"}

    @router.get("/commands")
    def commands(after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 1000) -> dict[str, object]:
        """Attempts and effects of each Idempotency-Key; ``after``: last key of the page before."""
        return {"items": kit.commands.report(after, limit)}

    @router.get("/outbox")
    def facts() -> dict[str, object]:
        """The numbers of pending and published facts, and the parked facts with the reasons."""
        return kit.outbox.report()

    @router.post("/outbox/redrives", status_code=202)
    def redrive() -> Response:
        """Publish the parked facts again, after the cause was fixed."""
        kit.outbox.redrive()
        return Response(status_code=202)

    return router
