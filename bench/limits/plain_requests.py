"""A minimal client that sends very many commands to an owner: httpx2, with as many connections as Tether uses for one.

It uses no database and waits for no fact. It runs in a process of its own, which takes one order per line of stdin.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
import orjson

from bench.drivers.line_process import LineProcess
from bench.errors import InvalidMeasurement
from gateways.owners import AT_ONCE


@dataclass(frozen=True, slots=True)
class PlainRequests:
    """``count`` requests about the teams ``{prefix}{start}`` and following. ``url``: of the collection, ``http://…/teams``.

    ``POST`` creates the teams in the event ``event_id``; ``DELETE`` deletes them if they are in it.
    """

    url: str
    method: str
    prefix: str
    count: int
    event_id: str
    start: int = 0


class PlainClient(LineProcess):
    """Runs the process of the client within the block."""

    def __init__(self) -> None:
        super().__init__("bench.limits.plain_requests")

    async def send(self, order: PlainRequests) -> float:
        """Sends all requests; returns the seconds until the last response. Raises InvalidMeasurement if one fails."""
        answer = await self.request(order)
        if answer["failure"]:
            raise InvalidMeasurement(f"{order} failed: {answer['failure']}")
        return float(answer["seconds"])


async def send_all(order: PlainRequests) -> dict[str, Any]:
    """Sends all requests over AT_ONCE connections; returns ``seconds`` and the first ``failure``."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    rest = iter(range(order.start, order.start + order.count))
    failures: list[str] = []
    async with httpx.AsyncClient(limits=limits, timeout=10.0, trust_env=False) as client:
        began = time.monotonic()
        await asyncio.gather(*(_work(client, order, rest, failures) for _ in range(AT_ONCE)))
        seconds = time.monotonic() - began
    return {"seconds": seconds, "failure": failures[0] if failures else ""}


async def _work(client: httpx.AsyncClient, order: PlainRequests, rest: Iterator[int], failures: list[str]) -> None:
    for n in rest:
        key = f"{order.prefix}{n}"
        headers = {"Idempotency-Key": f"{order.method}-{key}"}
        if order.method == "POST":
            body = {"id": key, "name": f"Team {n}", "event_id": order.event_id}
            answer = await client.post(order.url, json=body, headers=headers)
        else:
            answer = await client.delete(f"{order.url}/{key}", params={"still_in": order.event_id}, headers=headers)
        if not answer.is_success:
            failures.append(f"{answer.status_code}: {answer.text[:300]}")
            return


def main() -> None:
    """Carries out one order per line of stdin, until it ends."""
    for line in sys.stdin.buffer:
        answer = asyncio.run(send_all(PlainRequests(**orjson.loads(line))))
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
