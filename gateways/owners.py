"""Asks owners: one HTTP request per declared command.

Headers: ``Idempotency-Key`` (the same request twice has one effect), ``Correlation-Id`` and ``Causation-Id``,
which the owner copies unread into the fact that follows. A reply is a hint, never a fact. 4xx is *refused*,
except 408, 409, 425 and 429, which are *unavailable* like 5xx and a lost connection.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from string import Formatter
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx2 as httpx

from contracts.vocabulary import Command
from errors import Refused, Unavailable

_AGAIN = {408, 409, 425, 429}
_REPLY = 64 * 1024
"""Bytes of a reply that are looked at."""
AT_ONCE = 25
"""Requests to one owner that are under way at once: a slow one must not take all the slots of a worker."""


class Owners:
    """Clients of all owners, by their base URLs: ``{"channels": "http://…"}``."""

    def __init__(
        self, urls: Mapping[str, str], *, timeout: float = 10.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """``timeout`` in seconds for one request, its reply included. ``transport``: for tests."""
        self._urls = {owner: url.rstrip("/") for owner, url in urls.items()}
        self._timeout = timeout
        self._under_way: Counter[str] = Counter()
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(
        self, owner: str, command: Command, *, idempotency_key: str, correlation: str, causation: str | None
    ) -> None:
        """Raises Refused (final) or Unavailable (try again, after ``retry_after`` seconds)."""
        url = self._urls.get(owner)
        if url is None:
            raise Unavailable(f"no address of the owner {owner!r}; set it in TETHER_OWNERS", retry_after=30)
        headers = {
            "Idempotency-Key": idempotency_key,
            "Correlation-Id": correlation,
            "Accept-Encoding": "identity",
        }
        if causation is not None:
            headers["Causation-Id"] = quote(causation, safe="/:-._~")
        what = f"{type(command).__name__} at {owner}"
        if self._under_way[owner] >= AT_ONCE:
            raise Unavailable(f"{what}: {AT_ONCE} requests are under way", retry_after=2)
        self._under_way[owner] += 1
        try:
            status, text, retry_after = await self._send(url, command, headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise Unavailable(f"{what}: {type(error).__name__}: {error}", retry_after=1) from error
        finally:
            self._under_way[owner] -= 1
        if status in _AGAIN or status >= 500:
            raise Unavailable(f"{what} answered {status}", retry_after=retry_after)
        if not 200 <= status < 300:
            raise Refused(f"{what} refused with {status}: {text[:300]}")

    async def _send(self, url: str, command: Command, headers: dict[str, str]) -> tuple[int, str, float]:
        """(status, beginning of the reply, seconds after which to come again)."""
        path, body = _request(command)
        async with (
            asyncio.timeout(self._timeout),
            self._client.stream(command.method, url + path, json=body, headers=headers) as reply,
        ):
            return reply.status_code, await _head(reply), _retry_after(reply)


def _request(command: Command) -> tuple[str, dict[str, object]]:
    """The path, with the fields that it names, and the others as the body."""
    fields = command.model_dump(mode="json")
    named = {name for _, name, _, _ in Formatter().parse(command.path) if name}
    path = command.path.format(**{name: quote(str(fields[name]), safe="") for name in named})
    return path, {name: value for name, value in fields.items() if name not in named}


async def _head(reply: httpx.Response) -> str:
    """The beginning of a reply: an owner's answer may be of any length. One that is packed is not looked at."""
    if reply.headers.get("content-encoding", "identity") != "identity":
        return "(packed)"
    read = b""
    async for part in reply.aiter_bytes():
        read += part
        if len(read) >= _REPLY:
            break
    return read[:_REPLY].decode("utf-8", "replace")


def _retry_after(reply: httpx.Response) -> float:
    given = reply.headers.get("retry-after", "")
    return min(float(given), 3600.0) if given.isascii() and given.isdigit() else 1.0
