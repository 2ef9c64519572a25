"""Carries intents from rows to Temporal: starts and signals workflows, and sees that none is missing.

Three rounds in one loop: intents that are due, waits whose patience is over, and, more rarely, a check that
what was dispatched still has a workflow (an operator may have terminated it).
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from temporalio.service import RPCError

import logs
import temporal
from catalog.registry import OWN_SOURCE
from config import Settings
from errors import Unavailable
from messages.signals import Nudge
from messages.workflow_ids import Subject, subject_id
from starter import Starter, is_away
from store.db.pool import Pool, create_pool
from store.write import dispatch_queue

log = structlog.get_logger()

BATCH = 100
"""Intents that are taken at once."""
AT_ONCE = 16
"""Calls to Temporal that are under way at once."""
IDLE = (0.005, 0.04)
"""Seconds between looks when there is nothing to do: from, doubling up to."""
PATIENCE_ENDED = "PatienceEnded"
"""The signal that tells a workflow of no fact, but to look: its instance has waited for long enough."""
STARTS = 25
STARTS_EVERY = 0.25
"""At most so many workflows are started, each time so many seconds have passed, for waits whose patience is over."""
OPEN_WAITS = 10_000
"""Workflows of a tenant that are open only to wait, at most; deadlines in rows cover what has none."""
CHECK_EVERY = 5.0
CHECK_AFTER = 60.0
"""Seconds between checks, and since the last sign of a workflow before it is looked for."""


class Dispatcher:
    """One of any number; they share the work by locking rows."""

    def __init__(
        self, pool: Pool, starter: Starter, *, check_after: float = CHECK_AFTER, open_waits: int = OPEN_WAITS
    ) -> None:
        self._open_waits = open_waits
        self._pool = pool
        self._starter = starter
        self._check_after = check_after
        self._checked = time.monotonic()
        self._started = 0.0

    async def run(self) -> None:
        """Until it is cancelled. PostgreSQL and Temporal may come and go."""
        idle = IDLE[0]
        while True:
            try:
                busy = await self.round()
            except Unavailable as error:
                log.warning("waiting for what is away", reason=str(error))
                await asyncio.sleep(error.retry_after)
                continue
            idle = IDLE[0] if busy else min(idle * 2, IDLE[1])
            await asyncio.sleep(idle)  # when busy, too: a moment later there are more to take at once

    async def round(self) -> bool:
        """One look at each kind of work; whether there was any. Raises Unavailable."""
        told = await self._tell()
        started = False
        if time.monotonic() - self._started >= STARTS_EVERY:
            started = await self._start()
            self._started = time.monotonic()
        if time.monotonic() - self._checked >= min(CHECK_EVERY, self._check_after):
            self._checked = time.monotonic()
            await self.check()
        return told or started

    async def _tell(self) -> bool:
        """Intents that were not told stay claimed for a while if Temporal refuses them, so that others have a turn."""
        rows = await dispatch_queue.claim(self._pool, BATCH)
        calls = await _each(rows, lambda row: self._nudge(row, row["fact"], row["source"], row["id"], row["revision"]))
        if calls.done:
            await dispatch_queue.dispatched(self._pool, calls.done)
        if calls.away:
            await dispatch_queue.release(self._pool, calls.away)
        calls.check()
        return bool(rows)

    async def _start(self) -> bool:
        rows = await dispatch_queue.claim_waits(self._pool, STARTS, self._open_waits)
        calls = await _each(rows, lambda row: self._nudge(row, PATIENCE_ENDED, OWN_SOURCE, "", 0))
        if calls.away:
            await dispatch_queue.unstarted(self._pool, calls.away)
        calls.check()
        return bool(rows)

    async def check(self) -> None:
        """Looks for workflows that should be open; those that are not are started again. Raises Unavailable."""
        rows = await dispatch_queue.to_check(self._pool, self._check_after, BATCH)
        running: list[Any] = []
        missing: list[Any] = []

        async def look(row: Any) -> None:
            (running if await self._starter.runs(_subject(row)) else missing).append(row)

        calls = await _each(rows, look)
        if running:
            await dispatch_queue.checked(self._pool, running)
        if missing:
            log.warning("workflows are missing and are started again", count=len(missing))
            await dispatch_queue.unstarted(self._pool, missing)
        calls.check()

    async def _nudge(self, row: Any, fact: str, source: str, id: str, revision: int) -> None:
        nudge = Nudge(source=source, id=id, revision=revision)
        await self._starter.nudge(_subject(row), fact, nudge, row["owner"])


@dataclass(slots=True)
class _Calls:
    """What became of the rows of a batch. ``away``: not tried, or Temporal could not be reached for them."""

    done: list[Any] = field(default_factory=list)
    away: list[Any] = field(default_factory=list)
    reason: str = ""

    def check(self) -> None:
        """Raises Unavailable if Temporal is away."""
        if self.away:
            raise Unavailable(f"Temporal is away: {self.reason}")


async def _each(rows: Sequence[Any], call: Callable[[Any], Awaitable[None]]) -> _Calls:
    """Calls for every row, some at once, until Temporal turns out to be away. A refusal concerns its row alone."""
    slots = asyncio.Semaphore(AT_ONCE)
    calls = _Calls()

    async def one(row: Any) -> None:
        async with slots:
            if calls.away:
                calls.away.append(row)
                return
            try:
                await call(row)
            except RPCError as error:
                if is_away(error):
                    calls.away.append(row)
                    calls.reason = error.message or error.status.name
                else:
                    log.error("Temporal refuses", workflow=subject_id(_subject(row)), reason=error.message)
            except RuntimeError as error:  # what a lazy client raises while it cannot connect
                calls.away.append(row)
                calls.reason = str(error)
            else:
                calls.done.append(row)

    await asyncio.gather(*(one(row) for row in rows))
    return calls


def _subject(row: Any) -> Subject:
    return Subject(tenant=row["tenant"], workflow=row["workflow"], about=row["about"], key=row["key"])


async def main(settings: Settings) -> None:
    """Runs until it is cancelled."""
    logs.configure(settings)
    pool = await create_pool(settings.database_url, 4, name="tether dispatcher")
    try:
        client = await temporal.connect(lazy=True)
        log.info("ready")
        await Dispatcher(pool, Starter(client)).run()
    finally:
        await pool.close()


def run(settings: Settings) -> None:
    """Runs until SIGINT or SIGTERM."""
    with contextlib.suppress(KeyboardInterrupt):
        logs.run(main(settings))


if __name__ == "__main__":
    run(Settings())
