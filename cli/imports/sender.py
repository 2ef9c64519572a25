"""Sends one batch to the server, until every line of it has an outcome."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from cli.connection import Endpoint
from cli.http_errors import error_of, unreachable
from cli.imports.lines import LineBatch
from cli.imports.outcomes import BatchOutcome, OddLine, QuarantinedLine, RejectedLine
from errors import Refused, Unavailable

if TYPE_CHECKING:
    import httpx2

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two attempts
HEADERS = {"content-type": "application/x-ndjson"}
BLANK_LINE = b"\n"
"""Begins every body, and has no index: the server takes a damaged first line for a body that is gzip or UTF-16."""


class BatchSender:
    """Sends batches over one HTTP client.

    ``timeout``: seconds to retry while the server is away; ``notice`` is called with the reason while it is away, and
    with None when it is back.
    """

    def __init__(
        self,
        http: "httpx2.AsyncClient",
        endpoint: Endpoint,
        timeout: float,
        notice: Callable[[str | None], None],
    ) -> None:
        import httpx2

        self._failures = (httpx2.TransportError, httpx2.DecodingError)
        self._http = http
        self._url = endpoint.url
        self._timeout = timeout
        self._notice = notice
        self._waiting = 0

    async def send(self, batch: LineBatch) -> BatchOutcome:
        """Returns the outcome of every line. Raises Refused, and Unavailable after the timeout."""
        outcome = BatchOutcome(rejected=batch.rejected)
        todo = [(batch.lines, batch.numbers)] if batch.lines else []
        while todo:
            lines, numbers = todo.pop()
            answer = await self._post(b"".join((BLANK_LINE, *lines)))
            if answer.status_code == 202:
                counted = _count(outcome, orjson.loads(answer.content), lines, numbers)
                if counted != len(lines):
                    raise Refused(
                        f"{self._url} reported on {counted} of {len(lines)} lines from line {numbers[0]} on. "
                        "The outcome of the others is unknown: see the server's log."
                    )
            elif answer.status_code == 413 and len(lines) > 1:
                half = len(lines) // 2
                todo += [(lines[half:], numbers[half:]), (lines[:half], numbers[:half])]
            elif answer.status_code == 413:
                outcome.rejected.append(RejectedLine(numbers[0], "", "the line is too large", lines[0]))
            else:
                raise error_of(self._url, answer.status_code, answer.content, None)
        return outcome

    async def _post(self, body: bytes) -> "httpx2.Response":
        """Returns the server's response, whatever its status. Retries while the server is away."""
        answer = await self._attempt(body)
        if not isinstance(answer, Unavailable):
            return answer
        self._waiting += 1
        try:
            response = await self._retry(body, answer)
        finally:
            self._waiting -= 1
        if not self._waiting:
            self._notice(None)
        return response

    async def _retry(self, body: bytes, problem: Unavailable) -> "httpx2.Response":
        pause, until = FIRST_PAUSE, time.monotonic() + self._timeout
        while (left := until - time.monotonic()) > 0:
            self._notice(str(problem))
            # With jitter, so that the requests in flight are not all repeated at the same moment.
            await asyncio.sleep(min(max(pause, problem.retry_after) * random.uniform(1.0, 1.2), left))
            pause = min(pause * 2, LONGEST_PAUSE)
            answer = await self._attempt(body)
            if not isinstance(answer, Unavailable):
                return answer
            problem = answer
        raise Unavailable(f"Gave up after {self._timeout:g} s: {problem}")

    async def _attempt(self, body: bytes) -> "httpx2.Response | Unavailable":
        try:
            answer = await self._http.post(f"{self._url}/v1/events", content=body, headers=HEADERS)
        except self._failures as cause:
            return unreachable(self._url, cause)
        if answer.status_code == 202:
            return answer
        retry_after = answer.headers.get("retry-after")
        problem = error_of(self._url, answer.status_code, answer.content, retry_after)
        return problem if isinstance(problem, Unavailable) else answer


def _count(outcome: BatchOutcome, answer: dict[str, Any], lines: list[bytes], numbers: list[int]) -> int:
    """Adds an answer to an outcome; returns the number of lines that it reports on.

    ``lines``: what was sent; ``numbers``: the lines' numbers in the file.
    """
    accepted, duplicates = int(answer.get("accepted", 0)), int(answer.get("duplicates", 0))
    quarantined, rejected = answer.get("quarantined", []), answer.get("rejected", [])
    outcome.accepted += accepted
    outcome.duplicates += duplicates
    outcome.quarantined += [
        QuarantinedLine(numbers[one["index"]], str(one.get("id") or ""), str(one["reason"])) for one in quarantined
    ]
    outcome.rejected += [
        RejectedLine(numbers[one["index"]], str(one.get("id") or ""), str(one["reason"]), lines[one["index"]])
        for one in rejected
    ]
    outcome.warnings += int(answer.get("warnings_count", 0))
    outcome.first_warnings += [OddLine(numbers[one["index"]], str(one["reason"])) for one in answer.get("warnings", [])]
    outcome.token = str(answer.get("token") or outcome.token)
    return accepted + duplicates + len(quarantined) + len(rejected)
