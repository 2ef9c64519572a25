"""HEAD requests: answered as GET, without the body (RFC 9110, 9.3.2)."""

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEAD = "tether.head"


def is_head(request: Request) -> bool:
    """Whether the body is left out: a route need not make one that is long."""
    return _HEAD in request.scope


class HeadMiddleware:
    """Lets every route answer HEAD as it answers GET. The header fields are those of GET, Content-Length too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        return await self._app({**scope, "method": "GET", _HEAD: True}, receive, without_body)
