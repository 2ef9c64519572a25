"""Error answers of a service: ``application/problem+json`` (RFC 9457)."""

from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse


def problem(status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document.

    ``status``: of HTTP; ``kind``: last part of its ``type``, stable; ``detail``: for people; ``headers``: further ones.
    """
    document = {"type": f"/problems/{kind}", "status": status, "detail": detail}
    return JSONResponse(document, status, headers, media_type="application/problem+json")


class RequestRefused(Exception):
    """The same request would be refused again. ``kind`` is stable, ``detail`` is for people."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail

    @property
    def response(self) -> Response:
        """The problem document."""
        return problem(self.status, self.kind, self.detail)


def answer_with_problems(app: FastAPI) -> None:
    """Makes ``app`` answer refused and invalid requests with problem documents."""

    @app.exception_handler(RequestRefused)
    async def refused(_: Request, refusal: RequestRefused) -> Response:
        return refusal.response

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        # Without the invalid input, which may be large or not encodable.
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        return problem(422, "invalid", "; ".join(faults))
