"""Connections that end without an answer.

ASGI has no message for this: an application that raises, or returns without an answer, makes the server answer 500.
"""

from typing import cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_ABORT = "examples.owner.abort"


class Droppable(HttpToolsProtocol):
    """uvicorn's HTTP protocol (setting ``http``) whose applications can ``drop`` a connection."""

    def on_message_begin(self) -> None:
        """Adds the extension by which ``drop`` ends the connection of this request."""
        super().on_message_begin()
        cast(Scope, self.scope)["extensions"] = {_ABORT: {"now": self.transport.abort}}


async def drop(scope: Scope, receive: Receive) -> None:
    """Ends the connection of this request immediately, without an answer.

    Raises RuntimeError if the server does not support it, which the client sees as a 500.
    """
    offered = scope.get("extensions", {}).get(_ABORT)
    if offered is None:
        raise RuntimeError("This server cannot drop a connection. Serve with uvicorn.Config(http=Droppable).")
    offered["now"]()
    while (await receive())["type"] != "http.disconnect":  # discards the rest of the request
        pass
