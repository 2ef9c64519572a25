"""Asks Tether's API, one request after another."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from cli.connection import Connection, connect
from cli.http_errors import error_of, unreachable

PAGE = 1_000
TIMEOUT = 60.0  # seconds; longer than the longest wait that the server grants


class Client:
    """A connection that is open for as long as its ``with`` block."""

    def __init__(self, connection: Connection) -> None:
        # Imported here, because it takes longer than everything else that `tether --help` does.
        import httpx2

        self._failures = (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL)
        self._url = connection.url
        self._http = httpx2.Client(
            headers=connection.headers,
            timeout=httpx2.Timeout(TIMEOUT, connect=5.0),
            trust_env=not connection.local,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        holds: str = "",
    ) -> dict[str, Any]:
        """The answer's JSON object, which must have the field ``holds``.

        Parameters of ``query`` that are None, empty or False are left out. Raises the error that the
        answer stands for, Unavailable if there is none.
        """
        try:
            answer = self._http.request(
                method, self._url + path, params=_given(query or {}), content=body, headers=headers
            )
        except self._failures as cause:
            raise unreachable(self._url, cause) from None
        try:
            content = answer.json() if answer.is_success else None
        except ValueError:
            content = None
        if not isinstance(content, dict) or (holds and holds not in content):
            raise error_of(self._url, answer.status_code, answer.content, answer.headers.get("retry-after"))
        return content

    def pages(
        self, path: str, query: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Page after page of a list, ``limit`` items altogether (None: all of them)."""
        left, cursor = limit, None
        while True:
            size = PAGE if left is None else min(left, PAGE)
            page = self.ask("GET", path, {**(query or {}), "cursor": cursor, "limit": size}, holds="items")
            yield page
            cursor = page.get("next")
            if left is not None:
                left -= len(page["items"])
            if not cursor or left == 0:
                return


def client(url: str, key: str) -> Client:
    """A client for what flags, environment and files say. Both may be empty."""
    return Client(connect(url, key))


def path(*segments: str) -> str:
    """A path under ``/v1`` of segments that may hold any character."""
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def _given(query: Mapping[str, Any]) -> dict[str, str]:
    spelled = {True: "true"}
    return {
        name: spelled.get(value, str(value)) if isinstance(value, bool) else str(value)
        for name, value in query.items()
        if value is not None and value != "" and value is not False
    }
