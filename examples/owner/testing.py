"""Test doubles for owners: a Tether that records facts, and an owner inside this process or in another one."""

import asyncio
import json
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, Self, TypeAlias

import httpx2
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from examples.owner.misbehaviour.settings import Misbehaviour
from examples.owner.service import OwnerService, application

Event: TypeAlias = dict[str, Any]
"""A CloudEvent as parsed from JSON."""

KEY = "the-owner's-key"


class RecordingTether:
    """Records the batches of ``POST /v1/events``. ``poison``: ids or subjects whose batch is refused with 400."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.poison: set[str] = set()
        self._answers: deque[Response | Exception] = deque()
        self._news = asyncio.Condition()
        self.app = FastAPI()
        self.app.post("/v1/events")(self._events)

    @property
    def facts(self) -> list[Event]:
        """All recorded facts in the order of arrival, repetitions included."""
        return [fact for batch in self.batches for fact in batch]

    def answer_next(self, *answers: Response | Exception) -> None:
        """Sets the answers to the next requests. A 202 records the batch; an exception does too, without an answer."""
        self._answers.extend(answers)

    async def heard(self, count: int) -> list[Event]:
        """Waits for ``count`` different facts; returns them in the order of their first arrival.

        Raises TimeoutError after 30 s.
        """
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: len(self._different()) >= count)
        return list(self._different().values())

    def _different(self) -> dict[str, Event]:
        return {fact["id"]: fact for fact in self.facts}

    async def _events(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Response(status_code=401)
        if request.headers.get("content-type") != "application/cloudevents-batch+json":
            return Response(status_code=415)
        batch: list[Event] = json.loads(await request.body())
        accepted = {
            "token": str(len(self.batches)),
            "accepted": len(batch),
            "duplicates": 0,
            "quarantined": [],
            "rejected": [],
        }
        answer = self._answers.popleft() if self._answers else JSONResponse(accepted, 202)
        if self.poison & {fact[name] for fact in batch for name in ("id", "subject")}:
            return JSONResponse({"detail": "poison"}, 400)
        if isinstance(answer, Exception) or answer.status_code == 202:
            async with self._news:
                self.batches.append(batch)
                self._news.notify_all()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self) -> httpx2.AsyncClient:
        """A client that calls this Tether without a network."""
        headers = {"authorization": f"Bearer {KEY}"}
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url="http://tether", headers=headers)

    @asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        """Serves on a bound socket, for owners in other processes."""
        server = _TestServer(uvicorn.Config(self.app, log_level="error"))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving


class _TestServer(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()  # the test runner handles signals


@asynccontextmanager
async def inside(
    owner: OwnerService, path: Path, tether: RecordingTether, misbehaviour: Misbehaviour | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """Runs ``owner`` in this process until the block is left; yields a client of it.

    ``path``: its database file; ``tether``: where it publishes; ``misbehaviour``: see ``application``.
    """
    app = application(owner, path, tether.client(), misbehaviour=misbehaviour)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://x") as client,
    ):
        yield client


class OwnerProcess:
    """Runs an owner in another process until the block is left.

    ``module``: such as ``examples.groups``; ``database``: its file; ``tether``: base URL of the API; ``options``:
    further arguments, with its credential.
    """

    def __init__(self, module: str, database: Path, tether: str, options: Sequence[str] = ("--key", KEY)) -> None:
        self._command = ("-m", module, "--database", str(database), "--tether", tether, *options)

    async def __aenter__(self) -> Self:
        out = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(sys.executable, *self._command, stdout=out, stderr=out)
        assert self._process.stdout
        line = (await self._process.stdout.readline()).decode()
        if not line.startswith("ready "):
            _, errors = await self._process.communicate()
            raise RuntimeError(f"{self._command} did not become ready: {line}{errors.decode()}")
        self.client = httpx2.AsyncClient(base_url=line.split()[1], timeout=60)
        return self

    async def kill(self) -> None:
        """Ends it with SIGKILL."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ends it with SIGTERM; returns the exit code."""
        return await self._end(signal.SIGTERM)

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        await self.client.aclose()

    async def _end(self, number: signal.Signals) -> int:
        if self._process.returncode is None:
            self._process.send_signal(number)
        await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode
