"""An owner of teams behind real HTTP that takes its time for every deletion."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from fastapi import FastAPI, Header, Response

from tests.support.events import event
from tests.support.harness import Harness
from tests.support.serving import serving


class SlowTeams:
    """Answers ``DeleteTeam`` after ``seconds``; then it publishes the fact. ``received``: team → monotonic time."""

    def __init__(self, harness: Harness, seconds: float) -> None:
        self._harness = harness
        self._seconds = seconds
        self.received: dict[str, float] = {}
        self.app = FastAPI()
        self.app.delete("/teams/{team}", status_code=204)(self._delete)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serves it on a port of its own, to which the gateways of the harness send requests."""
        async with serving(self.app) as served, httpx2.AsyncHTTPTransport() as transport:
            self._harness.owners = self._harness.owners | {"teams": f"http://127.0.0.1:{served.port}"}
            self._harness.transport = transport
            yield

    async def _delete(self, team: str, correlation_id: str = Header()) -> Response:
        assert team not in self.received, f"{team} is requested twice"
        self.received[team] = time.monotonic()
        await asyncio.sleep(self._seconds)
        await self._harness.record(event("TeamDeleted", team, 2, correlation=correlation_id))
        return Response(status_code=204)
