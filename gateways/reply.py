"""Reads an owner's reply: status, reason, and when to retry. A reply may have any length and any content."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2 as httpx
import orjson

from errors import Failed, Gone, Refused, TetherError, Unavailable

_AGAIN = {408, 409, 425, 429}
_GONE = {404, 410, 412}
_NO_SERVICE = {502, 503, 504}
_REPLY = 64 * 1024
"""Bytes of a reply that are read."""
_REASON = 300
"""Characters of a reason that are kept."""
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
        return self.status >= 500 or self.status == 429

    def error(self, what: str, retry_after: float) -> TetherError | None:
        """Refused, Gone, Unavailable or Failed, whose message begins with ``what``; None for a status of 2xx."""
        if 200 <= self.status < 300:
            return None
        if self.status in _AGAIN or self.status >= 500:
            text = f"{what} answered {self.status}"
            if self.status in _AGAIN | _NO_SERVICE:
                return Unavailable(text, retry_after)
            return Failed(text, retry_after, answered=True)
        kind = Gone if self.status in _GONE else Refused
        return kind(f"{what} refused with {self.status}{': ' if self.reason else ''}{self.reason}")


async def read(response: httpx.Response, now: datetime) -> Reply:
    """Reads the beginning of a reply. A compressed one is not read: it may expand to any size."""
    if 300 <= response.status_code < 400:
        reason = "redirects are not followed; set the owner's own address in TETHER_OWNERS"
    elif response.headers.get("content-encoding", "identity").lower() != "identity":
        reason = "(compressed)"
    else:
        reason = _reason(await _head(response), response.headers.get("content-type", ""))
    return Reply(response.status_code, reason, _retry_after(response.headers.get("retry-after", ""), now))


async def _head(response: httpx.Response) -> bytes:
    read = b""
    async for part in response.aiter_bytes():
        read += part
        if len(read) >= _REPLY:
            break
    return read[:_REPLY]


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
