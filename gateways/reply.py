"""Reads an owner's reply: status, reason, and when to retry. A reply may have any length and any content."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2 as httpx
import orjson

from errors import Failed, TetherError, Unavailable
from gateways import answers

_REPLY = 64 * 1024
"""Bytes of a reply that are read."""
_REASON = 300
"""Characters of a reason that are kept."""
BODY_TIMEOUT = 1.0
"""Seconds that a body may take: the status has come, and decides."""
LONGEST_WAIT = 3600.0
"""Seconds: the longest Retry-After that is followed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``reason``: one line, empty if none was given. ``retry_after``: seconds, None if the owner gave none."""

    status: int
    reason: str
    retry_after: float | None

    @property
    def unavailable(self) -> bool:
        """Whether the status says that the owner as a whole is unavailable."""
        return answers.blames_owner(self.status)

    def error(self, what: str, retry_after: float) -> TetherError | None:
        """The error that ``answers.STATUSES`` gives the status, with a message that begins with ``what`` and holds the
        owner's words; None: accepted."""
        kind = answers.error_of(self.status)
        if kind is None:
            return None
        if issubclass(kind, Failed):
            return kind(f"{what} {self}", retry_after, answered=True)
        if issubclass(kind, Unavailable):
            return kind(f"{what} {self}", retry_after)
        return kind(f"{what} refused with {self.status}{_after_colon(self.reason)}")

    def __str__(self) -> str:
        return f"answered {self.status}{_after_colon(self.reason)}"


def _after_colon(reason: str) -> str:
    return f": {reason}" if reason else ""


_OWNERS_REDIRECT = "redirects are not followed; set the owner's own address in TETHER_OWNERS"


async def read(response: httpx.Response, now: datetime, seconds: float, *, redirect: str = _OWNERS_REDIRECT) -> Reply:
    """Reads the beginning of a reply. A compressed one is not read: it may expand to any size.

    ``seconds``: how long the body may take, but never longer than BODY_TIMEOUT. ``redirect``: the reason of a redirect.
    """
    reasons = [redirect] if 300 <= response.status_code < 400 else []
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        reasons.append("(compressed)")
    else:
        body = await _body(response, min(seconds, BODY_TIMEOUT))
        reasons.append(_reason(body, response.headers.get("content-type", "")))
    reason = ": ".join(filter(None, reasons))[:_REASON]
    return Reply(response.status_code, reason, _retry_after(response.headers.get("retry-after", ""), now))


async def _body(response: httpx.Response, seconds: float) -> bytes:
    """The beginning of the body: what comes of it in time. It may break off, since the status decides without it."""
    read = bytearray()
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(seconds):
            async for part in response.aiter_bytes():
                read += part
                if len(read) >= _REPLY:
                    break
    return bytes(read[:_REPLY])


def _reason(content: bytes, kind: str) -> str:
    """The detail of a problem document, its title, or the text itself, without line breaks and control characters."""
    text = content.decode("utf-8", "replace")
    if kind.partition(";")[0].strip().lower() == "application/problem+json":
        text = _problem(content) or text
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _REASON]).split())[:_REASON]


def _problem(content: bytes) -> str:
    try:
        problem = orjson.loads(content)
    except orjson.JSONDecodeError:
        return ""
    given = [problem.get(name) for name in ("detail", "title")] if isinstance(problem, dict) else []
    return next((text for text in given if isinstance(text, str) and text.strip()), "")


def _retry_after(given: str, now: datetime) -> float | None:
    """Seconds from a number or a date; None for anything else."""
    if given.isascii() and given.isdigit():
        return min(float(given), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(given)
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
