"""Posts a request until the server answers it: while it is away, the request is repeated."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cli.connection import Endpoint
from cli.http_errors import error_of, unreachable
from errors import Unavailable

if TYPE_CHECKING:
    import httpx2

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two attempts


class RetryingPoster:
    """Posts over one HTTP client.

    ``headers``: of each request, beside those of the client; ``timeout``: seconds to retry while the server is
    away; ``notice`` is called with the reason while it is away, and with None when it is back.
    """

    def __init__(
        self,
        http: "httpx2.AsyncClient",
        endpoint: Endpoint,
        timeout: float,
        notice: Callable[[str | None], None],
        *,
        headers: Mapping[str, str],
    ) -> None:
        import httpx2

        self._failures = (httpx2.TransportError, httpx2.DecodingError)
        self._http = http
        self.url = endpoint.url
        self._timeout = timeout
        self._notice = notice
        self._headers = headers
        self._waiting = 0

    async def post(self, path: str, body: bytes) -> "httpx2.Response":
        """Returns the server's response, whatever its status. Raises Unavailable after the timeout."""
        answer = await self._attempt(path, body)
        if not isinstance(answer, Unavailable):
            return answer
        self._waiting += 1
        try:
            response = await self._retry(path, body, answer)
        finally:
            self._waiting -= 1
        if not self._waiting:
            self._notice(None)
        return response

    async def _retry(self, path: str, body: bytes, problem: Unavailable) -> "httpx2.Response":
        pause, until = FIRST_PAUSE, time.monotonic() + self._timeout
        while (left := until - time.monotonic()) > 0:
            self._notice(str(problem))
            # With jitter, so that the requests in flight are not all repeated at the same moment.
            await asyncio.sleep(min(max(pause, problem.retry_after) * random.uniform(1.0, 1.2), left))
            pause = min(pause * 2, LONGEST_PAUSE)
            answer = await self._attempt(path, body)
            if not isinstance(answer, Unavailable):
                return answer
            problem = answer
        raise Unavailable(f"Gave up after {self._timeout:g} s: {problem}")

    async def _attempt(self, path: str, body: bytes) -> "httpx2.Response | Unavailable":
        try:
            answer = await self._http.post(self.url + path, content=body, headers=self._headers)
        except self._failures as cause:
            return unreachable(self.url, cause)
        if answer.is_success:
            return answer
        retry_after = answer.headers.get("retry-after")
        problem = error_of(self.url, answer.status_code, answer.content, retry_after)
        return problem if isinstance(problem, Unavailable) else answer
