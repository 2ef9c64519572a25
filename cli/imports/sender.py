"""Brings one batch to the server, and does not rest before every line of it has an answer."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from cli.connection import Connection
from cli.http_errors import error_of, problem_of, unreachable
from cli.imports.lines import Batch
from cli.imports.outcomes import Outcome, Quarantined, Rejected
from errors import Refused, Unavailable

if TYPE_CHECKING:
    import httpx2

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two attempts
HEADERS = {"content-type": "application/x-ndjson"}


class Sender:
    """``notice`` hears why the server is being waited for, and None when it is back."""

    def __init__(
        self,
        http: "httpx2.AsyncClient",
        connection: Connection,
        patience: float,
        notice: Callable[[str | None], None],
    ) -> None:
        import httpx2

        self._failures = (httpx2.TransportError, httpx2.DecodingError)
        self._http = http
        self._url = connection.url
        self._patience = patience
        self._notice = notice
        self._waiting = 0

    async def send(self, batch: Batch) -> Outcome:
        """What became of every line. Raises Refused, and Unavailable once patience is over."""
        outcome = Outcome(rejected=batch.rejected)
        todo = [(batch.lines, batch.numbers)] if batch.lines else []
        while todo:
            lines, numbers = todo.pop()
            answer = await self._post(b"".join(lines))
            said = problem_of(answer.content) if answer.status_code == 400 else {}
            if answer.status_code == 202:
                told = _count(outcome, orjson.loads(answer.content), numbers)
                if told != len(lines):
                    raise Refused(
                        f"{self._url} answered for {told} of {len(lines)} lines from line {numbers[0]} on. "
                        "What became of the others is unknown: look into the server's log."
                    )
            elif isinstance(bad := said.get("index"), int) and 0 <= bad < len(lines):
                # What lies before the bad line may be on disk already; the rest is sent again without it.
                told = min(_count(outcome, said, numbers), bad)
                outcome.rejected.append(_rejected(said, numbers[bad], lines[bad]))
                rest = lines[told:bad] + lines[bad + 1 :]
                if rest:
                    todo.append((rest, numbers[told:bad] + numbers[bad + 1 :]))
            elif answer.status_code == 413 and len(lines) > 1:
                half = len(lines) // 2
                todo += [(lines[half:], numbers[half:]), (lines[:half], numbers[:half])]
            elif answer.status_code == 413:
                outcome.rejected.append(Rejected(numbers[0], "line", "is too large", lines[0]))
            else:
                raise error_of(self._url, answer.status_code, answer.content, None)
        return outcome

    async def _post(self, body: bytes) -> "httpx2.Response":
        """The server's answer, good or bad. While the server is away, tries again for ``patience`` seconds."""
        answer = await self._attempt(body)
        if not isinstance(answer, Unavailable):
            return answer
        self._waiting += 1
        try:
            insisted = await self._insist(body, answer)
        finally:
            self._waiting -= 1
        if not self._waiting:
            self._notice(None)
        return insisted

    async def _insist(self, body: bytes, problem: Unavailable) -> "httpx2.Response":
        pause, until = FIRST_PAUSE, time.monotonic() + self._patience
        while (left := until - time.monotonic()) > 0:
            self._notice(str(problem))
            # Spread a little, so that the requests in flight do not come back all at once.
            await asyncio.sleep(min(max(pause, problem.retry_after) * random.uniform(1.0, 1.2), left))
            pause = min(pause * 2, LONGEST_PAUSE)
            answer = await self._attempt(body)
            if not isinstance(answer, Unavailable):
                return answer
            problem = answer
        raise Unavailable(f"Gave up after {self._patience:g} s: {problem}")

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


def _rejected(said: dict[str, Any], number: int, line: bytes) -> Rejected:
    """The place within the request means nothing to anyone: the line's number in the file takes its stead."""
    field = str(said.get("field") or "")
    reason = str(said.get("detail") or said.get("title") or "is no CloudEvent")
    reason = reason.removeprefix(f"event {said['index']}: ").removeprefix(f"{field}: ")
    return Rejected(number, field, reason, line)


def _count(outcome: Outcome, answer: dict[str, Any], numbers: list[int]) -> int:
    """Add what an answer says; returns of how many lines, from the first on, it speaks."""
    accepted, duplicates = int(answer.get("accepted", 0)), int(answer.get("duplicates", 0))
    quarantined = answer.get("quarantined", [])
    outcome.accepted += accepted
    outcome.duplicates += duplicates
    outcome.quarantined += [
        Quarantined(numbers[one["index"]], str(one.get("id") or ""), str(one["reason"])) for one in quarantined
    ]
    outcome.token = str(answer.get("token") or outcome.token)
    return accepted + duplicates + len(quarantined)
