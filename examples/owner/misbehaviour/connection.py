"""Connections that end without an answer.

ASGI has no word for it: whoever returns without an answer or raises makes the server answer 500.
"""

from typing import cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_ABORT = "examples.owner.abort"


class Droppable(HttpToolsProtocol):
    """uvicorn's protocol, for its setting ``http``; what it serves can ``drop`` its connection."""

    def on_message_begin(self) -> None:
        """The beginning of a request."""
        super().on_message_begin()
        cast(Scope, self.scope)["extensions"] = {_ABORT: {"now": self.transport.abort}}


async def drop(scope: Scope, receive: Receive) -> None:
    """End the connection of this request at once; what was not answered will never be.

    Raises RuntimeError, which the client sees as a 500, where the server offers no way to.
    """
    offered = scope.get("extensions", {}).get(_ABORT)
    if offered is None:
        raise RuntimeError("This server cannot drop a connection. Serve with uvicorn.Config(http=Droppable).")
    offered["now"]()
    while (await receive())["type"] != "http.disconnect":  # what was read of the request before
        pass
