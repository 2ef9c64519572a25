"""Sends commands to owners: one HTTP request each, to configured addresses and to no others.

Headers: ``Idempotency-Key`` (a repeated request has no second effect), ``Correlation-Id`` and ``Causation-Id``, which
the owner copies unread into the fact that follows. A reply is never taken for a fact: its status decides what is done
next, by the tables of ``answers.py``.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import httpx2 as httpx

from catalog.owner_request import OwnerRequest
from errors import Unsent
from gateways import address
from gateways.circuit_breaker import Clock
from gateways.owner import Before, OwnerClient

AT_ONCE = 25
"""Slots of one owner: its concurrent requests. A slow owner must not take all activity slots of a worker."""


class Owners:
    """The clients of all owners, made from their base URLs: ``{"channels": "http://…"}``."""

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        timeout: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        """``timeout`` in seconds for one request, its reply included. ``transport``, ``clock``: for tests.

        Raises Refused if an address cannot be used.
        """
        checked = {owner: address.checked(owner, url) for owner, url in urls.items()}
        # SSL_CERT_FILE still adds certificate authorities, though the clients read nothing else from the environment.
        trusted = httpx.create_ssl_context() if transport is None and checked else None
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        self._clients = {
            owner: OwnerClient(
                owner,
                url,
                transport or httpx.AsyncHTTPTransport(verify=trusted or True, limits=limits),
                at_once=AT_ONCE,
                timeout=timeout,
                clock=clock or Clock(),
            )
            for owner, url in checked.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:
            for client in self._clients.values():
                stack.push_async_callback(client.aclose)

    async def send(
        self,
        request: OwnerRequest,
        *,
        slot_timeout: float = 0.0,
        one_of_many: bool = False,
        before: Before | None = None,
    ) -> None:
        """Sends a request to its owner; returns when the owner has accepted it.

        ``slot_timeout``: seconds to wait for one of the owner's slots; Busy if none becomes free. ``one_of_many``: the
        request is one of hundreds, which leave some slots to others. ``before``: awaited once the request has its slot,
        right before it leaves, as it may have waited for long; what it raises is raised instead of sending.
        Raises Refused (Contradicted if the state of its entity contradicts the request), or Unavailable (retry after
        ``retry_after`` seconds).
        """
        client = self._clients.get(request.owner)
        if client is None:
            raise Unsent(f"no address of the owner {request.owner!r}; set it in TETHER_OWNERS", retry_after=30)
        await client.send(request, slot_timeout=slot_timeout, one_of_many=one_of_many, before=before)
