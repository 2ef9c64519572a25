"""Turns HTTP error responses into the exceptions of ``errors.py``."""

import json
from typing import Any

from errors import Conflict, Forbidden, NotYet, Refused, TetherError, Unauthenticated, Unavailable, Unknown

REFUSALS: dict[int, type[Refused]] = {401: Unauthenticated, 403: Forbidden, 404: Unknown, 409: Conflict}
MENDS = {
    401: "Give a key with --key or TETHER_KEY.",
    403: "Use a key with a wider scope.",
}
MENDS_OF = {
    "plan-outdated": "`tether plan show` lists the changes; --include-appeared includes new children.",
}
"""By the last segment of the problem's type."""


def problem_of(body: bytes) -> dict[str, Any]:
    """Returns the problem document (RFC 9457) of a body; empty if it is none."""
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def error_of(url: str, status: int, body: bytes, retry_after: str | None) -> TetherError:
    """Returns the error for a response that is no success.

    ``url`` is the server's, for the message; ``status``, ``body`` and ``retry_after`` (the header, if there is one) are
    the response's.
    """
    problem = problem_of(body)
    if not problem or status < 300:
        message = f"{url} gave a response ({status}) that is not Tether's. Check --url."
    else:
        said = (str(problem.get(part) or "").rstrip(" .") for part in ("title", "detail"))
        message = ": ".join(part for part in said if part) or f"Answered {status}"
        mend = MENDS_OF.get(str(problem.get("type", "")).rpartition("/")[2]) or MENDS.get(status, "")
        message = f"{message}. {mend}".rstrip()
    if status == 409 and str(problem.get("type", "")).endswith("/not-yet"):
        return NotYet(message, seconds(retry_after))
    if status in {408, 429} or status >= 500:
        return Unavailable(message, seconds(retry_after))
    return REFUSALS.get(status, Refused)(message)


def unreachable(url: str, cause: Exception) -> Unavailable:
    """Returns the error for a server that did not respond."""
    reason = str(cause) or type(cause).__name__
    return Unavailable(
        f"{url} cannot be reached ({reason}); is `tether up` running? "
        "Start it, or name another address with --url or TETHER_URL.",
        retry_after=0.0,
    )


def seconds(retry_after: str | None, default: float = 1.0) -> float:
    """Returns the seconds of a Retry-After header; ``default`` if it is missing or a date."""
    try:
        return max(0.0, float(retry_after or default))
    except ValueError:
        return default
