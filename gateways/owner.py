"""One owner over HTTP: connections, slots and a circuit of its own, so that no owner can be in another's way."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2 as httpx

from catalog.owner_request import OwnerRequest
from errors import Busy, Failed, Unsent
from gateways import reply
from gateways.circuit import Circuit, Clock
from gateways.reply import Reply
from gateways.request import build

OF_MANY = 0.8
"""The part of the slots that those may take who have hundreds of requests to make: one alone need not queue."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class OwnerClient:
    """``url`` is a base URL that was checked; ``timeout`` in seconds for one request, its reply included."""

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
            timeout=None,  # of its steps; the whole has one
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # every request stands for itself
        )

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    async def send(self, request: OwnerRequest, *, slot_timeout: float, one_of_many: bool) -> None:
        """Sends a request. Parameters and errors as for ``Owners.send``."""
        what = f"{type(request.command).__name__} at {self._name}"
        to_send = build(self._client, self._url, request)
        self._circuit.check()
        async with self._of_many if one_of_many else nullcontext(), self._slot(what, slot_timeout):
            await self._attempt(to_send, what, request.idempotency_key)

    @asynccontextmanager
    async def _slot(self, what: str, slot_timeout: float) -> AsyncIterator[None]:
        """One of them; who waits is served in turn. Raises Busy."""
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
                answer = await self._answer(to_send)
            except (httpx.HTTPError, TimeoutError) as error:
                why = self._words(error)
                text, retry_after = f"{what}: {why}", self._circuit.failed(attempt, why)
                if isinstance(error, _NOT_SENT):
                    raise Unsent(text, retry_after) from error
                raise Failed(text, retry_after, answered=False) from error
            retry_after = max(1.0, answer.retry_after or 0.0)
            if answer.away:
                retry_after = self._circuit.failed(attempt, f"answered {answer.status}", retry_after, key)
            else:
                self._circuit.succeeded()
        problem = answer.error(what, retry_after)
        if problem is not None:
            raise problem

    async def _answer(self, to_send: httpx.Request) -> Reply:
        async with asyncio.timeout(self._timeout):
            response = await self._sent(to_send)
            try:
                return await reply.read(response, self._clock.now())
            finally:
                await response.aclose()

    async def _sent(self, to_send: httpx.Request) -> httpx.Response:
        """An owner may close an idle connection in the very moment in which it is used again. That is no failure:
        the request is sent once more, which its Idempotency-Key makes safe."""
        connection = _Connection()
        to_send.extensions["trace"] = connection
        try:
            return await self._client.send(to_send, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            if not connection.reused:
                raise
        return await self._client.send(to_send, stream=True)

    def _words(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._timeout:g} s"
        return ": ".join(filter(None, (type(error).__name__, str(error))))


class _Connection:
    """Hears what becomes of one request: whether a connection was made for it."""

    def __init__(self) -> None:
        self._made = False
        self._used = False

    async def __call__(self, event: str, _: object) -> None:
        self._made |= event.startswith("connection.connect_")
        self._used |= event.startswith("http11.send_request_headers.")

    @property
    def reused(self) -> bool:
        """Whether the request went out on a connection that had been there before."""
        return self._used and not self._made
