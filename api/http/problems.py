"""Errors as RFC 9457 problem documents, each with a stable ``type``, never with a stack trace."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from errors import (
    BadToken,
    CardinalityBroken,
    Conflict,
    Expired,
    Fenced,
    Forbidden,
    ForbiddenMerge,
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
    (Malformed, 400, "malformed-event", "Not a CloudEvent"),
    (Unacceptable, 422, "contract-violation", "The fact breaks its contract"),
    (BadToken, 400, "bad-token", "Not a valid token or cursor"),
    (Expired, 410, "expired", "Not kept any more"),
    (Unauthenticated, 401, "unauthenticated", "No valid API key"),
    (Forbidden, 403, "forbidden", "The key's scope does not cover this"),
    (Unknown, 404, "unknown", "Not found"),
    (Restricted, 409, "restricted", "Children restrict the deletion"),
    (PlanOutdated, 409, "plan-outdated", "The plan is outdated"),
    (ForbiddenMerge, 409, "forbidden-merge", "These must never be merged"),
    (CardinalityBroken, 409, "cardinality", "The merge would link one entity twice"),
    (Fenced, 409, "fenced", "Another holder has taken the consumer over"),
    (Conflict, 409, "conflict", "Conflicts with what is recorded"),
    (NotYet, 409, "not-yet", "The revision has not been reached"),
    (Unavailable, 503, "unavailable", "Temporarily unavailable"),
    (Refused, 400, "bad-request", "Refused"),
]
_STATUS = {
    404: ("unknown", "No such path"),
    405: ("method-not-allowed", "Method not allowed"),
    413: ("too-large", "Too large"),
    415: ("unsupported-media-type", "Unsupported media type"),
    422: ("bad-request", "Invalid request"),
    429: ("too-many", "Too many requests"),
}


class MediaTypeRefused(Refused):
    """The request has a content type or coding that is not supported. Status 415.

    ``accept`` and ``accept_encoding``: the media types and content codings that are.
    """

    def __init__(self, reason: str, *, accept: Sequence[str], accept_encoding: Sequence[str]) -> None:
        self.headers = {"Accept": ", ".join(accept), "Accept-Encoding": ", ".join(accept_encoding)}
        super().__init__(reason)


class TooLarge(Refused):
    """The request, or a part of it, is above a limit. Status 413."""


_KINDS[:0] = [
    (KeyReused, 409, "idempotency-mismatch", "The Idempotency-Key was used for another request"),
    (MediaTypeRefused, 415, *_STATUS[415]),
    (TooLarge, 413, *_STATUS[413]),
]


def problem(
    status: int, slug: str, title: str, detail: str, headers: Mapping[str, str] | None = None, **extra: Any
) -> JSONResponse:
    """An ``application/problem+json`` response with the type ``/problems/<slug>``.

    ``title`` is the same for all problems of a type, ``detail`` is about this one; ``extra`` are further members.
    """
    body = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail, **extra}
    return JSONResponse(body, status, dict(headers or {}), media_type="application/problem+json")


def of(error: TetherError, *, detail: str = "", **extra: Any) -> JSONResponse:
    """The response for one of Tether's own errors.

    ``detail``: instead of the error's own text; ``extra``: further members.
    """
    status, slug, title = next((s, k, t) for kind, s, k, t in _KINDS if isinstance(error, kind))
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooLarge):
        headers["Connection"] = "close"  # the rest of the body is not read
    if isinstance(error, MediaTypeRefused):
        headers |= error.headers
    if isinstance(error, Malformed):
        extra = {"field": error.field, "index": None, **extra}  # no event of several: the request as a whole
    if isinstance(error, Expired):
        extra = {"earliest": error.earliest, "resync": error.resync, **extra}
    if isinstance(error, ForbiddenMerge):
        extra = {"path": [*error.path], **extra}
    if isinstance(error, Fenced):
        extra = {"generation": error.generation, "holder": error.holder, **extra}
    return problem(status, slug, title, _printable(detail or str(error)), headers, **extra)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def install(app: FastAPI) -> None:
    """Registers handlers, so that every error of the application becomes a problem document."""

    @app.exception_handler(TetherError)
    async def ours(request: Request, error: TetherError) -> JSONResponse:
        return of(error)

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        # Pydantic puts the name of the exception before what our own checks say.
        reasons = [(".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, ")) for e in error.errors()]
        detail = "; ".join(f"{field}: {reason}" for field, reason in reasons)
        status = 400 if any(e["type"] == "json_invalid" for e in error.errors()) else 422
        return problem(status, *_STATUS[422], _printable(detail)[:2_000])

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # the client is gone

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        slug, title = _STATUS.get(error.status_code, ("bad-request", "Refused"))
        return problem(error.status_code, slug, title, str(error.detail), error.headers)

    for kind in AWAY:
        app.add_exception_handler(kind, _away)
    for missing in NOT_MIGRATED:
        app.add_exception_handler(missing, _not_migrated)
    app.add_exception_handler(Exception, _unexpected)


async def _away(request: Request, error: Exception) -> JSONResponse:
    return of(Unavailable(f"PostgreSQL is away: {type(error).__name__}"))


async def _not_migrated(request: Request, error: Exception) -> JSONResponse:
    return of(
        Unavailable("the schema of the database is older than this version; run `tether migrate`", retry_after=5.0)
    )


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, method=request.method, exc_info=error)
    return problem(500, "internal", "Internal error", "The error was logged; please report it.")
