"""Requests that meet a service at its worst."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from fastapi import Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.owner.idempotency import LONGEST
from examples.owner.misbehaviour.connection import drop
from examples.owner.misbehaviour.settings import Misbehaviour
from examples.owner.problems import problem

SPARED = ("/misbehaviour", "/healthz", "/commands", "/outbox")
"""Paths that tell how the service is doing; those beneath them too."""

Outcome: TypeAlias = tuple[bool, Response | None]
"""Whether the request has its effect first, and what is answered instead; None: the connection is dropped."""


class Misbehaving:
    """Middleware. ``attempted`` counts a request with that Idempotency-Key which goes no further."""

    def __init__(self, app: ASGIApp, misbehaviour: Misbehaviour, attempted: Callable[[str], None]) -> None:
        self._app = app
        self._misbehaviour = misbehaviour
        self._attempted = attempted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or _spared(scope["path"]):
            await self._app(scope, receive, send)
            return
        slow = self._misbehaviour.settings.slow
        if self._misbehaviour.strikes("slow", slow.share):
            await asyncio.sleep(slow.seconds)
        outcome = self._outcome()
        if outcome is None:
            await self._app(scope, receive, send)
            return
        has_effect, answer = outcome
        if has_effect:
            await self._app(scope, receive, _unheard)
        else:
            await self._count(scope)
        if answer is None:
            await drop(scope, receive)
        else:
            await answer(scope, receive, send)

    def _outcome(self) -> Outcome | None:
        """None: nothing is wrong with this one."""
        chance, settings = self._misbehaviour, self._misbehaviour.settings
        if chance.strikes("busy", settings.busy.share):
            after = {"retry-after": str(settings.busy.retry_after)}
            return False, problem(429, "busy", "Too much to do. Come again after Retry-After seconds.", after)
        if chance.strikes("dropped", settings.dropped):
            return chance.tossed(), None
        if chance.strikes("unavailable_before", settings.unavailable_before):
            return False, _away()
        if chance.strikes("unavailable_after", settings.unavailable_after):
            return True, _away()
        return None

    async def _count(self, scope: Scope) -> None:
        key = Headers(scope=scope).get("idempotency-key", "")
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and 1 <= len(key) <= LONGEST:
            await asyncio.to_thread(self._attempted, key)


def _away() -> Response:
    return problem(503, "unavailable", "Away for a moment. Send the same request again.")


def _spared(path: str) -> bool:
    return any(path == spared or path.startswith(f"{spared}/") for spared in SPARED)


async def _unheard(_: Message) -> None:
    """Where an answer goes that nobody gets."""
