"""The least client that sends an owner very many commands: httpx2, as many connections as Tether has for one owner.

It reads nothing from a database, remembers nothing, and waits for no fact. Run as a process of its own, which is
asked by a line on stdin.
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
from bench.errors import Spoilt
from gateways.owners import AT_ONCE


@dataclass(frozen=True, slots=True)
class PlainRequests:
    """``count`` requests, about ``{prefix}0`` and so on. ``url``: of the collection, ``http://…/teams``.

    ``POST`` makes them, in the event ``event_id``; ``DELETE`` deletes them, if they still are in it.
    """

    url: str
    method: str
    prefix: str
    count: int
    event_id: str
    start: int = 0


class PlainClient(LineProcess):
    """The process, for as long as the block lasts."""

    def __init__(self) -> None:
        super().__init__("bench.limits.plain_asking")

    async def send(self, asking: PlainRequests) -> float:
        """Seconds from the first request to the last answer. Raises Spoilt if one was refused."""
        answer = await self.ask(asking)
        if answer["failure"]:
            raise Spoilt(f"{asking} failed: {answer['failure']}")
        return float(answer["seconds"])


async def all_of(asking: PlainRequests) -> dict[str, Any]:
    """As many at once as there are connections."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    rest = iter(range(asking.start, asking.start + asking.count))
    failures: list[str] = []
    async with httpx.AsyncClient(limits=limits, timeout=10.0, trust_env=False) as client:
        began = time.monotonic()
        await asyncio.gather(*(_work(client, asking, rest, failures) for _ in range(AT_ONCE)))
        seconds = time.monotonic() - began
    return {"seconds": seconds, "failure": failures[0] if failures else ""}


async def _work(client: httpx.AsyncClient, asking: PlainRequests, rest: Iterator[int], failures: list[str]) -> None:
    for n in rest:
        key = f"{asking.prefix}{n}"
        headers = {"Idempotency-Key": f"{asking.method}-{key}"}
        if asking.method == "POST":
            body = {"id": key, "name": f"Team {n}", "event_id": asking.event_id}
            answer = await client.post(asking.url, json=body, headers=headers)
        else:
            answer = await client.delete(f"{asking.url}/{key}", params={"still_in": asking.event_id}, headers=headers)
        if not answer.is_success:
            failures.append(f"{answer.status_code}: {answer.text[:300]}")
            return


def main() -> None:
    """Until stdin ends."""
    for line in sys.stdin.buffer:
        answer = asyncio.run(all_of(PlainRequests(**orjson.loads(line))))
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
