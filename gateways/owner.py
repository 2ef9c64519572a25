"""The HTTP client of one owner. Its connections, slots and circuit are its own, so that no owner delays another."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2 as httpx

from catalog.owner_request import OwnerRequest
from errors import Busy, Failed, Unsent
from gateways.circuit_breaker import Circuit, Clock
from gateways.connection_trace import ConnectionTrace
from gateways.reply import Reply, read
from gateways.request import build

Before = Callable[[], Awaitable[None]]
"""Awaited once a request has its slot, right before it leaves. What it raises is raised instead of sending."""

OF_MANY = 0.8
"""Share of the slots that requests of sweeps may take, so that a single request need not queue behind hundreds."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class OwnerClient:
    """``url``: a checked base URL; ``at_once``: slots; ``timeout``: seconds for one request and its reply."""

    def __init__(
        self, name: str, url: str, transport: httpx.AsyncBaseTransport, *, at_once: int, timeout: float, clock: Clock
    ) -> None:
        self._name = name
        self._url = url
        self._at_once = at_once
        self._timeout = timeout
        self._clock = clock
        self._slots = asyncio.Semaphore(at_once)
        self._of_many = asyncio.Semaphore(max(1, int(at_once * OF_MANY)))
        self._circuit = Circuit(name, clock)
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=None,  # of single steps: the whole request has one
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # no request depends on another
        )

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    async def send(
        self, request: OwnerRequest, *, slot_timeout: float, one_of_many: bool, before: Before | None
    ) -> None:
        """Sends a request. Parameters and errors as for ``Owners.send``."""
        what = f"{type(request.command).__name__} at {self._name}"
        to_send = build(self._client, self._url, request)
        self._circuit.check()
        async with self._of_many if one_of_many else nullcontext(), self._slot(what, slot_timeout):
            if before is not None:
                await before()
            await self._attempt(to_send, what, request.idempotency_key)

    @asynccontextmanager
    async def _slot(self, what: str, slot_timeout: float) -> AsyncIterator[None]:
        """Holds one slot; requests that wait for one are served in order. ``slot_timeout``: seconds. Raises Busy."""
        if slot_timeout <= 0 and self._slots.locked():
            raise self._busy(what)
        try:
            async with asyncio.timeout(slot_timeout if 0 < slot_timeout < math.inf else None):
                await self._slots.acquire()
        except TimeoutError:
            raise self._busy(what) from None
        try:
            yield
        finally:
            self._slots.release()

    def _busy(self, what: str) -> Busy:
        return Busy(f"{what}: {self._at_once} requests are under way", retry_after=2)

    async def _attempt(self, to_send: httpx.Request, what: str, key: str) -> None:
        with self._circuit.attempt() as attempt:
            try:
                reply = await self._reply(to_send)
            except (httpx.HTTPError, TimeoutError) as error:
                why = self._describe(error)
                text, retry_after = f"{what}: {why}", self._circuit.failed(attempt, why)
                if isinstance(error, _NOT_SENT):
                    raise Unsent(text, retry_after) from error
                raise Failed(text, retry_after, answered=False) from error
            retry_after = max(1.0, reply.retry_after or 0.0)
            if reply.unavailable:
                retry_after = self._circuit.failed(attempt, str(reply), retry_after, key)
            else:
                self._circuit.succeeded()
        problem = reply.error(what, retry_after)
        if problem is not None:
            raise problem

    async def _reply(self, to_send: httpx.Request) -> Reply:
        async with asyncio.timeout(self._timeout):
            response = await self._send(to_send)
        try:
            return await read(response, self._clock.now(), self._timeout)
        finally:
            await response.aclose()

    async def _send(self, to_send: httpx.Request) -> httpx.Response:
        """Sends a request, and once more if a reused connection turns out to be closed.

        An owner may close an idle connection just when it is used again. That is no failure of the owner, and the
        Idempotency-Key makes the repetition safe.
        """
        connection = ConnectionTrace()
        to_send.extensions["trace"] = connection
        try:
            return await self._client.send(to_send, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            if not connection.reused:
                raise
        return await self._client.send(to_send, stream=True)

    def _describe(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._timeout:g} s"
        return ": ".join(filter(None, (type(error).__name__, str(error))))
