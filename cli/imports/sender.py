"""Sends one batch to the server, until every line of it has an outcome."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from cli.connection import Endpoint
from cli.http_errors import error_of
from cli.imports.lines import LineBatch
from cli.imports.outcomes import BatchOutcome, OddLine, QuarantinedLine, RejectedLine
from cli.imports.poster import RetryingPoster
from errors import Refused

if TYPE_CHECKING:
    import httpx2

HEADERS = {"content-type": "application/x-ndjson"}
BLANK_LINE = b"\n"
"""Begins every body, and has no index: the server takes a damaged first line for a body that is gzip or UTF-16."""


class BatchSender:
    """Sends batches of facts. Parameters as those of `RetryingPoster`; ``path``: that of the endpoint."""

    def __init__(
        self,
        http: "httpx2.AsyncClient",
        endpoint: Endpoint,
        timeout: float,
        notice: Callable[[str | None], None],
        *,
        path: str,
    ) -> None:
        self._poster = RetryingPoster(http, endpoint, timeout, notice, headers=HEADERS)
        self._path = path

    async def send(self, batch: LineBatch) -> BatchOutcome:
        """Returns the outcome of every line. Raises Refused, and Unavailable after the timeout."""
        outcome = BatchOutcome(rejected=batch.rejected)
        todo = [(batch.lines, batch.numbers)] if batch.lines else []
        while todo:
            lines, numbers = todo.pop()
            answer = await self._poster.post(self._path, b"".join((BLANK_LINE, *lines)))
            if answer.status_code == 202:
                counted = _count(outcome, orjson.loads(answer.content), lines, numbers)
                if counted != len(lines):
                    raise Refused(
                        f"{self._poster.url} reported on {counted} of {len(lines)} lines from line {numbers[0]} on. "
                        "The outcome of the others is unknown: see the server's log."
                    )
            elif answer.status_code == 413 and len(lines) > 1:
                half = len(lines) // 2
                todo += [(lines[half:], numbers[half:]), (lines[:half], numbers[:half])]
            elif answer.status_code == 413:
                outcome.rejected.append(RejectedLine(numbers[0], "", "the line is too large", lines[0]))
            else:
                raise error_of(self._poster.url, answer.status_code, answer.content, None)
        return outcome


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
