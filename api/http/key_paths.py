"""Routes whose path goes on after an entity's key, which may contain slashes itself."""

from collections.abc import MutableMapping
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import Match


def after_key(segment: str) -> type[APIRoute]:
    """The class of routes that end with ``/segment`` as it was sent: after a key that ends with ``%2Fsegment`` nothing
    follows."""
    end = f"/{segment}".encode()

    class AfterKeyRoute(APIRoute):
        """Compares the path before its percent-encoding was decoded, where a slash in a key is no slash."""

        def matches(self, scope: MutableMapping[str, Any]) -> tuple[Match, MutableMapping[str, Any]]:
            if not scope.get("raw_path", end).endswith(end):
                return Match.NONE, {}
            return super().matches(scope)

    return AfterKeyRoute
