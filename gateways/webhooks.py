"""Sends deliveries to webhooks: signed POSTs, and the request for consent before the first one.

The name of a host is resolved once for each request, every address that it has is checked, and the connection goes to
an address that was checked: what the name says a moment later does not matter (DNS rebinding). ``Host`` and the name in
TLS stay those of the URL. Redirects are not followed, proxies of the environment are not used, and of a response a
bounded part is read within a bounded time.
"""

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import httpx2 as httpx

from errors import Refused
from gateways import reply, webhook_targets
from gateways.connection_trace import ConnectionTrace
from gateways.webhook_signatures import signatures, without_secrets
from gateways.webhook_targets import Address, AllowList, Target

TIMEOUT = 15.0
"""Seconds for one request and its response, as Standard Webhooks recommends at least."""
CONNECT_TIMEOUT = 5.0
CONNECTED = 500
"""Hosts to which connections are kept open while none of their requests is under way."""
ADDRESSES = 3
"""Addresses of a host that are tried."""
_RESOLVERS = ThreadPoolExecutor(max_workers=500, thread_name_prefix="resolve")
"""Threads begin as they are needed."""
_REDIRECT = "redirects are not followed; set the receiver's own URL"
_TIMEOUTS = {"connect": CONNECT_TIMEOUT, "read": None, "write": None, "pool": None}
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) → its addresses. Raises OSError if it has none."""


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What a receiver answered. ``status``: None if no answer came; ``words``: its, or why none came, in one line.

    ``retry_after``: seconds that the receiver wants to be left alone, 0.0 if it does not say. ``abort``: it wants this
    message dropped. ``sent``: False if it cannot have received the request.
    """

    status: int | None
    words: str
    retry_after: float = 0.0
    abort: bool = False
    sent: bool = True

    @property
    def accepted(self) -> bool:
        """Whether the receiver has taken the message."""
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        status = "no answer" if self.status is None else f"answered {self.status}"
        return f"{status}: {self.words}" if self.words else status


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message. ``id``: stable over attempts; ``secrets``: one or, during a rotation, two; ``at``: the time now."""

    url: str
    id: str
    body: bytes
    content_type: str
    secrets: Sequence[str]
    at: datetime


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system resolves it.

    In threads of its own: a name server that does not answer holds one for long after its request was given up, and
    there are few of those in which all else of this process is resolved.
    """
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, look_up)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(slots=True)
class _HostClient:
    """``requests``: how many of its requests are under way."""

    client: httpx.AsyncClient
    requests: int = 0


class Webhooks:
    """Clients of all receivers, one for each host, so that no connection serves two names."""

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        origin: str = "tether",
        timeout: float = TIMEOUT,
        resolve: Resolve = resolve,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``allow``: hosts and networks, as for AllowList; ``origin``: by which receivers know this system;
        ``timeout``: seconds. ``resolve``, ``transport``: for tests. Raises Refused for a bad allow-list."""
        self._allowed = AllowList(allow)
        self._origin = origin
        self._timeout = timeout
        self._resolve = resolve
        self._transport = transport
        self._trusted: ssl.SSLContext | None = None
        self._clients: OrderedDict[tuple[str, str, int], _HostClient] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:
            for found in self._clients.values():
                stack.push_async_callback(found.client.aclose)

    def check(self, url: str) -> None:
        """Raises Refused for a URL that deliveries may not go to, as far as its text says."""
        webhook_targets.parse(url, self._allowed)

    async def deliver(self, delivery: Delivery) -> WebhookAnswer:
        """Sends one message, signed; returns what became of it. Never raises because of the receiver or its address."""
        timestamp = int(delivery.at.timestamp())
        headers = {
            "content-type": delivery.content_type,
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(delivery.secrets, delivery.id, timestamp, delivery.body),
        }
        answer, _ = await self._request("POST", delivery.url, delivery.at, headers, delivery.body)
        return answer

    async def request_consent(self, url: str, at: datetime) -> WebhookAnswer:
        """Requests a receiver's consent to deliveries, by CloudEvents' web hooks, section 4: ``OPTIONS`` with
        ``WebHook-Request-Origin``. The answer is accepted only if ``WebHook-Allowed-Origin`` names this system."""
        answer, headers = await self._request("OPTIONS", url, at, {"webhook-request-origin": self._origin}, b"")
        allowed = headers.get("webhook-allowed-origin", "").strip()
        if answer.accepted and allowed not in ("*", self._origin):
            found = f"WebHook-Allowed-Origin is {allowed[:100]!r}" if allowed else "WebHook-Allowed-Origin is missing"
            return WebhookAnswer(
                None, f"no consent: answered {answer.status}, but {found}; it takes {self._origin} or *"
            )
        return answer

    async def _request(
        self, method: str, url: str, at: datetime, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookAnswer, Mapping[str, str]]:
        """Sends one request; returns the answer and its headers."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._timeout):
                    target, addresses = await self._checked(url)
                    client = await stack.enter_async_context(self._client(target))
                    response = await self._first_reached(client, target, addresses, method, headers, body)
            except Refused as error:
                return WebhookAnswer(None, str(error), sent=False), {}
            except _NOT_SENT as error:
                return WebhookAnswer(None, _describe(error), sent=False), {}
            except OSError as error:  # of the resolver; TimeoutError is one, too
                if isinstance(error, TimeoutError):
                    return WebhookAnswer(None, f"no answer within {self._timeout:g} s"), {}
                return WebhookAnswer(None, f"the host cannot be resolved: {error.strerror or error}", sent=False), {}
            except httpx.HTTPError as error:
                return WebhookAnswer(None, _describe(error)), {}
            stack.push_async_callback(response.aclose)
            found = await reply.read(response, at, self._timeout, redirect=_REDIRECT)
        abort = response.headers.get("webhook-delivery", "").strip().lower() == "abort-message"
        words = without_secrets(found.reason)
        return WebhookAnswer(found.status, words, found.retry_after or 0.0, abort), response.headers

    async def _checked(self, url: str) -> tuple[Target, list[Address]]:
        """The target of a URL, and the addresses that may be connected to. Raises Refused, OSError."""
        target = webhook_targets.parse(url, self._allowed)
        if target.literal is not None:
            return target, [target.literal]
        addresses = [ip_address(found) for found in await self._resolve(target.host, target.port)]
        webhook_targets.check(addresses, target, self._allowed)
        return target, addresses[:ADDRESSES]

    async def _first_reached(
        self,
        client: httpx.AsyncClient,
        target: Target,
        addresses: Sequence[Address],
        method: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> httpx.Response:
        """Sends a request to the first address that can be connected to."""
        for address in addresses[:-1]:
            try:
                return await self._send(client, target, address, method, headers, body)
            except _NOT_SENT:
                continue
        return await self._send(client, target, addresses[-1], method, headers, body)

    async def _send(
        self,
        client: httpx.AsyncClient,
        target: Target,
        address: Address,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> httpx.Response:
        connection = ConnectionTrace()
        request = httpx.Request(
            method,
            target.url.copy_with(host=str(address)),
            headers={
                "host": target.url.netloc.decode("ascii"),
                "user-agent": "tether",
                "accept-encoding": "identity",
                **headers,
            },
            content=body or None,
            extensions={"sni_hostname": target.host, "timeout": _TIMEOUTS, "trace": connection},
        )
        try:
            return await client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError):  # a receiver may close a connection that is idle
            if not connection.reused:
                raise
        return await client.send(request, stream=True)

    @asynccontextmanager
    async def _client(self, target: Target) -> AsyncIterator[httpx.AsyncClient]:
        """The client of a host, for one request. A connection of it is reused only for the same name, whose certificate
        was checked. Of too many clients, the oldest are closed, but none with a request under way."""
        at = target.url.scheme, target.host, target.port
        found = self._clients.get(at)
        if found is None:
            found = self._clients[at] = _HostClient(self._new_client())
        self._clients.move_to_end(at)
        found.requests += 1
        try:
            yield found.client
        finally:
            found.requests -= 1
            if (more := len(self._clients) - CONNECTED) > 0:
                idle = [host for host, client in self._clients.items() if not client.requests][:more]
                for client in [self._clients.pop(host).client for host in idle]:
                    await client.aclose()

    def _new_client(self) -> httpx.AsyncClient:
        if self._trusted is None and self._transport is None:
            self._trusted = httpx.create_ssl_context()
        return httpx.AsyncClient(
            transport=self._transport or httpx.AsyncHTTPTransport(verify=self._trusted or True, trust_env=False),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")[:300]
