"""Publishes the outbox to Tether: in order, at least once, with retries until each fact is accepted.

A fact is marked only after it was accepted, so a crash in between sends it twice; Tether recognises it by its id.
"""

import asyncio
import logging
import random
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from examples.owner.database import Database
from examples.owner.outbox import OwnerOutbox, Pending

BATCH = 500
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds; doubled at each failure in a row
LONGEST_RETRY_AFTER = 600.0  # seconds
REFUSALS = frozenset({400, 409, 413, 422})
"""Status codes that refuse the facts themselves. After any other, a wrong API key included, the relay tries again."""

log = logging.getLogger(__name__)


class TetherUnavailable(Exception):
    """Tether did not accept the facts now. ``pause``: seconds of its Retry-After; 0 without."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


EXPECTED = (
    TetherUnavailable,
    httpx2.HTTPError,
    sqlite3.OperationalError,
)  # Tether is away, or the disk is full or locked


def in_order(waiting: Sequence[Pending]) -> Sequence[Pending]:
    """Sends all waiting facts in their order."""
    return waiting


class Relay:
    """The loop that publishes. ``tether``: client with the base URL and the API key; ``sleep`` takes seconds.

    ``arranged`` chooses what to send now from the oldest waiting facts. If it returns none, it is called again after
    the next commit, or after ``timeout`` seconds (None: after the next commit only).
    """

    def __init__(
        self,
        database: Database,
        outbox: OwnerOutbox,
        tether: httpx2.AsyncClient,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        arranged: Callable[[Sequence[Pending]], Sequence[Pending]] = in_order,
        timeout: float | None = None,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._tether = tether
        self._sleep = sleep
        self._arranged = arranged
        self._timeout = timeout

    async def run(self) -> None:
        """Publishes until cancelled."""
        loop, committed, failures = asyncio.get_running_loop(), asyncio.Event(), 0
        with self._database.on_commit(lambda: loop.call_soon_threadsafe(committed.set)):
            while True:
                committed.clear()  # before reading, so that no commit is missed
                try:
                    facts = self._arranged(await asyncio.to_thread(self._outbox.pending, BATCH))
                    await self._publish(facts)
                    failures = 0
                except Exception as error:  # any: facts are published by this loop only, so it must not end
                    pause = _pause(failures, error)
                    trace = None if isinstance(error, EXPECTED) else error
                    log.warning("next attempt to publish in %.1f s: %r", pause, error, exc_info=trace)
                    failures += 1
                    await self._sleep(pause)
                    continue
                if not facts:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._timeout):
                            await committed.wait()

    async def _publish(self, facts: Sequence[Pending]) -> None:
        """Publishes facts until each is accepted or parked; finds the refused ones by bisection.

        Raises TetherUnavailable, and httpx2.HTTPError when there is no answer.
        """
        if not facts:
            return
        answer = await self._tether.post(
            "/v1/events",
            content="[" + ",".join(fact.event for fact in facts) + "]",
            headers={"content-type": "application/cloudevents-batch+json"},
        )
        if answer.status_code == 202:
            rejected = _rejected(facts, answer)
            await asyncio.to_thread(self._outbox.published, [f for n, f in enumerate(facts) if n not in rejected])
            for index, reason in rejected.items():
                await self._park(facts[index], f"rejected: {reason}")
        elif answer.status_code not in REFUSALS:
            raise TetherUnavailable(f"{answer.request.url} answered {answer.status_code}", _retry_after(answer))
        elif len(facts) == 1:
            await self._park(facts[0], f"{answer.status_code}: {answer.text}")
        else:
            middle = len(facts) // 2
            await self._publish(facts[:middle])
            await self._publish(facts[middle:])

    async def _park(self, fact: Pending, reason: str) -> None:
        log.error("parked: %s: %s", fact.event, reason)
        await asyncio.to_thread(self._outbox.park, fact, reason)


def _rejected(facts: Sequence[Pending], answer: httpx2.Response) -> dict[int, str]:
    """Returns the reasons of the facts that Tether rejected, by position; logs those that it quarantined.

    Quarantined facts count as published, as they are stored there and can be redriven.
    """
    try:
        content = answer.json()
        quarantined, rejected = content["quarantined"], content.get("rejected", [])
    except (ValueError, KeyError, TypeError):
        raise TetherUnavailable(f"{answer.request.url} answered 202, but not in Tether's format") from None
    for entry in quarantined:
        log.warning("quarantined by Tether: %s: %s", facts[entry["index"]].event, entry["reason"])
    return {entry["index"]: entry["reason"] for entry in rejected}


def _pause(failures: int, error: Exception) -> float:
    requested = error.pause if isinstance(error, TetherUnavailable) else 0.0
    growing = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 16))
    return requested + growing * random.uniform(0.5, 1.0)  # jitter: many relays must not retry at the same time


def _retry_after(answer: httpx2.Response) -> float:
    """Seconds of Retry-After in either form (RFC 9110 §10.2.3); 0 if the header is missing or malformed."""
    value = answer.headers.get("retry-after", "")
    try:
        seconds = float(value) if value.isdecimal() else _seconds_until(parsedate_to_datetime(value))
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _seconds_until(moment: datetime) -> float:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()
