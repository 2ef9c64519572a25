"""One owner over HTTP: connections, slots and a circuit of its own, so that no owner can be in another's way."""

import asyncio
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2 as httpx

from contracts.vocabulary import Command
from errors import Failed, Unavailable
from gateways import reply, request
from gateways.circuit import Circuit, Clock
from gateways.reply import Reply

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

    async def ask(
        self, command: Command, *, idempotency_key: str, correlation: str, causation: str | None, wait: bool
    ) -> None:
        """Raises Refused or Unavailable. ``wait`` for a slot, or else be turned away if there is none."""
        what = f"{type(command).__name__} at {self._name}"
        to_send = request.build(
            self._client,
            self._url,
            command,
            idempotency_key=idempotency_key,
            correlation=correlation,
            causation=causation,
        )
        self._circuit.check()
        if not wait and self._slots.locked():
            raise Unavailable(f"{what}: {self._at_once} requests are under way", retry_after=2)
        async with self._slots:
            await self._attempt(to_send, what, idempotency_key)

    async def _attempt(self, to_send: httpx.Request, what: str, key: str) -> None:
        with self._circuit.attempt() as attempt:
            try:
                answer = await self._answer(to_send)
            except (httpx.HTTPError, TimeoutError) as error:
                why = self._words(error)
                text, retry_after = f"{what}: {why}", self._circuit.failed(attempt, why)
                if isinstance(error, _NOT_SENT):
                    raise Unavailable(text, retry_after) from error
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
