"""Errors as RFC 9457 problems: a stable ``type`` for each, and never a stack trace."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from errors import (
    BadToken,
    Conflict,
    Forbidden,
    KeyReused,
    Malformed,
    NotYet,
    PlanOutdated,
    Refused,
    Restricted,
    TetherError,
    Unacceptable,
    Unauthenticated,
    Unavailable,
    Unknown,
)
from store.db.pool import AWAY, NOT_MIGRATED

log = structlog.get_logger()

_KINDS: list[tuple[type[BaseException], int, str, str]] = [
    (Malformed, 400, "malformed-event", "No CloudEvent"),
    (Unacceptable, 422, "contract-violation", "The fact breaks its contract"),
    (BadToken, 400, "bad-token", "No such token or cursor"),
    (Unauthenticated, 401, "unauthenticated", "Who are you?"),
    (Forbidden, 403, "forbidden", "The key's scope does not cover this"),
    (Unknown, 404, "unknown", "Not known"),
    (Restricted, 409, "restricted", "Children forbid the deletion"),
    (PlanOutdated, 409, "plan-outdated", "The plan is not what would be done now"),
    (Conflict, 409, "conflict", "Contradicts what is recorded"),
    (NotYet, 409, "not-yet", "Not reached yet"),
    (Unavailable, 503, "unavailable", "Try again"),
    (Refused, 400, "bad-request", "Refused"),
]
_STATUS = {
    404: ("unknown", "No such path"),
    405: ("method-not-allowed", "Not with this method"),
    413: ("too-large", "Too large"),
    415: ("unsupported-media-type", "This content type is not taken"),
    422: ("bad-request", "The request cannot be read"),
    429: ("too-many", "Too many at once"),
}


class MediaTypeRefused(Refused):
    """415."""


class TooLarge(Refused):
    """413."""


_KINDS[:0] = [
    (KeyReused, 409, "idempotency-mismatch", "This Idempotency-Key stands for another request"),
    (MediaTypeRefused, 415, *_STATUS[415]),
    (TooLarge, 413, *_STATUS[413]),
]


def problem(
    status: int, slug: str, title: str, detail: str, headers: Mapping[str, str] | None = None, **extra: Any
) -> JSONResponse:
    """An ``application/problem+json`` answer."""
    body = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail, **extra}
    return JSONResponse(body, status, dict(headers or {}), media_type="application/problem+json")


def of(error: TetherError, **extra: Any) -> JSONResponse:
    """The problem of one of our own errors."""
    status, slug, title = next((s, k, t) for kind, s, k, t in _KINDS if isinstance(error, kind))
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooLarge):
        headers["Connection"] = "close"  # the rest of the body is not worth the while
    if isinstance(error, Malformed):
        extra = {"field": error.field, "index": error.index, **extra}
    return problem(status, slug, title, _printable(str(error)), headers, **extra)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem."""

    @app.exception_handler(TetherError)
    async def ours(request: Request, error: TetherError) -> JSONResponse:
        return of(error)

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"field": ".".join(str(p) for p in e["loc"]), "reason": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{e['field']}: {e['reason']}" for e in errors)
        status = 400 if any(e["type"] == "json_invalid" for e in error.errors()) else 422
        return problem(status, *_STATUS[422], _printable(detail)[:2_000])

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody hears it

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        slug, title = _STATUS.get(error.status_code, ("bad-request", "Refused"))
        return problem(error.status_code, slug, title, str(error.detail), error.headers)

    for kind in AWAY:
        app.add_exception_handler(kind, _away)
    for lacking in NOT_MIGRATED:
        app.add_exception_handler(lacking, _not_migrated)
    app.add_exception_handler(Exception, _unexpected)


async def _away(request: Request, error: Exception) -> JSONResponse:
    return of(Unavailable(f"PostgreSQL is away: {type(error).__name__}"))


async def _not_migrated(request: Request, error: Exception) -> JSONResponse:
    return of(Unavailable("the database lacks what this version needs; run `tether migrate`", retry_after=5.0))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("a request failed", path=request.url.path, method=request.method, exc_info=error)
    return problem(500, "internal", "A mistake of Tether's", "It was logged; please report it.")
