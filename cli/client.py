"""A synchronous client of Tether's HTTP API."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from cli.connection import Endpoint, resolve_endpoint
from cli.http_errors import error_of, unreachable

PAGE = 1_000
NO_CONTENT = 204
_STEPS = {".": "%2E", "..": "%2E%2E"}
TIMEOUT = 60.0  # seconds; above the server's limit for `wait`


class ApiClient:
    """Holds HTTP connections open during its ``with`` block."""

    def __init__(self, connection: Endpoint) -> None:
        # Imported here, because it would slow down `tether --help`.
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

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        expects: str = "",
    ) -> dict[str, Any]:
        """Sends a request and returns the JSON object of the response, which must have the field ``expects``; an empty
        one for a response without content.

        ``path`` begins with ``/v1``; ``query``, ``body`` and ``headers`` are optional. Parameters of ``query`` that are
        None, empty or False are left out; a list gives one for each element. Raises the error that the response stands
        for (see ``http_errors.py``), Unavailable if there is no response.
        """
        try:
            answer = self._http.request(
                method, self._url + path, params=_given(query or {}), content=body, headers=headers
            )
        except self._failures as cause:
            raise unreachable(self._url, cause) from None
        if answer.status_code == NO_CONTENT and not expects:
            return {}
        try:
            content = answer.json() if answer.is_success else None
        except ValueError:
            content = None
        if not isinstance(content, dict) or (expects and expects not in content):
            raise error_of(self._url, answer.status_code, answer.content, answer.headers.get("retry-after"))
        return content

    def feed(self, query: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str, bool]:
        """Reads a page of the feed. Returns its items, the offset to go on from, and whether it is the last one.

        Raises the error that the response stands for, Unavailable if there is no response.
        """
        try:
            answer = self._http.get(self._url + path("feed"), params=_given(query))
            items = [] if answer.status_code == 204 else answer.json()
        except self._failures as cause:
            raise unreachable(self._url, cause) from None
        except ValueError:
            items = None
        offset = answer.headers.get("stream-next-offset")
        if not answer.is_success or not isinstance(items, list) or offset is None:
            raise error_of(self._url, answer.status_code, answer.content, answer.headers.get("retry-after"))
        return items, offset, "stream-up-to-date" in answer.headers

    def lines(self, path: str, query: Mapping[str, Any]) -> Iterator[bytes]:
        """Yields the lines of an answer as they come, each without its line feed; none that is cut off at the end.

        Raises the error that the response stands for, Unavailable if there is no response, or it breaks off.
        """
        try:
            with self._http.stream("GET", self._url + path, params=_given(query)) as answer:
                if not answer.is_success:
                    raise error_of(self._url, answer.status_code, answer.read(), answer.headers.get("retry-after"))
                rest = b""
                for piece in answer.iter_bytes():
                    *whole, rest = (rest + piece).split(b"\n")
                    yield from whole
        except self._failures as cause:
            raise unreachable(self._url, cause) from None

    def pages(
        self, path: str, query: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yields the pages of a list until they hold ``limit`` items (None: all pages).

        ``path`` begins with ``/v1``; ``query`` holds the filters. If it has ``as_of``, all pages are of one revision,
        that of the first page: what moves from one place of a list to another meanwhile, as by a merge, would be shown
        twice or never.
        """
        left, cursor, query = limit, None, dict(query or {})
        while True:
            size = PAGE if left is None else min(left, PAGE)
            page = self.request("GET", path, {**query, "cursor": cursor, "limit": size}, expects="items")
            yield page
            if "as_of" in query:
                query |= {"as_of": page["token"], "at_least": None}
            cursor = page.get("next")
            if left is not None:
                left -= len(page["items"])
            if not cursor or left == 0:
                return


def client(url: str, key: str) -> ApiClient:
    """Returns a client. Empty arguments are taken from the environment or the embedded stack's files."""
    return ApiClient(resolve_endpoint(url, key))


def path(*segments: str) -> str:
    """Joins segments, which may be any text that is not empty, to a path under ``/v1``.

    ``.`` and ``..`` are steps in a path, unless they are percent-encoded.
    """
    return "/v1/" + "/".join(_STEPS.get(segment) or quote(segment, safe="") for segment in segments)


def _given(query: Mapping[str, Any]) -> dict[str, str | list[str]]:
    given = {name: value for name, value in query.items() if value not in (None, "", []) and value is not False}
    return {
        name: value if isinstance(value, list) else "true" if value is True else str(value)
        for name, value in given.items()
    }
