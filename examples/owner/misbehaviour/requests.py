"""Failures of requests: slow, busy, dropped or unavailable."""

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

EXEMPT = ("/misbehaviour", "/healthz", "/commands", "/outbox")
"""Paths about the state of the service, which always work, with all paths below them."""

Outcome: TypeAlias = tuple[bool, Response | None]
"""(whether the request has its effect, the failure that is answered; None: the connection is dropped)."""


class Misbehaving:
    """Middleware that makes requests fail. ``attempted`` counts a request with this key that is not processed."""

    def __init__(self, app: ASGIApp, misbehaviour: Misbehaviour, attempted: Callable[[str], None]) -> None:
        self._app = app
        self._misbehaviour = misbehaviour
        self._attempted = attempted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Processes one request, or makes it fail."""
        if scope["type"] != "http" or _is_exempt(scope["path"]):
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
            await self._app(scope, receive, _discard)
        else:
            await self._count(scope)
        if answer is None:
            await drop(scope, receive)
        else:
            await answer(scope, receive, send)

    def _outcome(self) -> Outcome | None:
        """The failure of this request; None if it does not fail."""
        chance, settings = self._misbehaviour, self._misbehaviour.settings
        if chance.strikes("busy", settings.busy.share):
            after = {"retry-after": str(settings.busy.retry_after)}
            return False, problem(429, "busy", "Too many requests. Send it again after Retry-After seconds.", after)
        if chance.strikes("dropped", settings.dropped):
            return chance.tossed(), None
        if chance.strikes("unavailable_before", settings.unavailable_before):
            return False, _unavailable()
        if chance.strikes("unavailable_after", settings.unavailable_after):
            return True, _unavailable()
        return None

    async def _count(self, scope: Scope) -> None:
        key = Headers(scope=scope).get("idempotency-key", "")
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and 1 <= len(key) <= LONGEST:
            await asyncio.to_thread(self._attempted, key)


def _unavailable() -> Response:
    return problem(503, "unavailable", "Temporarily unavailable. Send the same request again.")


def _is_exempt(path: str) -> bool:
    return any(path == exempt or path.startswith(f"{exempt}/") for exempt in EXEMPT)


async def _discard(_: Message) -> None:
    """Discards the answer of the application."""
