"""The process that turns outbox rows into starts and signals of workflows.

One loop sends the outbox rows that are due and starts workflows for waits whose grace period is over. Now and then it
checks that every workflow that should be open is, since an operator may have terminated it. Another ends those that
should not be, a third starts the retention of each tenant, again and again, a fourth notifies the feed of consumers
that are at risk, a fifth starts the erasures that are due, and a sixth the redrives and discards of quarantined events.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

import structlog
from temporalio.service import RPCError

import garbage
import logs
import temporal
from catalog import catalog as catalogs
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from config import Retention, Settings
from errors import Unavailable
from messages.signals import Nudge
from messages.workflow_ids import Subject, subject_id
from starter import Starter, is_unavailable
from store.consumers import notices
from store.db.pool import Pool, create_pool
from store.deliveries import webhooks
from store.erasure import requests as erasures
from store.quarantine import runs as quarantine_runs
from store.retention import schedule
from store.write import outbox_dispatch
from store.write.outbox_dispatch import OfWorkflow, WorkflowToCheck
from strays import LOOK, StrayWorkflows

log = structlog.get_logger()
Row = TypeVar("Row", bound=OfWorkflow)

BATCH = 100
"""Outbox rows that are claimed together."""
AT_ONCE = 16
"""Concurrent calls to Temporal."""
IDLE = (0.005, 0.04)
"""Seconds between rounds without work: they double from the first to the second."""
GRACE_ENDED = "GracePeriodEnded"
"""The signal at the end of a grace period. It carries no fact; workflows take a signal of any name."""
STARTS = 25
STARTS_EVERY = 0.25
"""At most so many workflows are started per so many seconds for waits whose grace period is over."""
OPEN_WAITS = 10_000
"""Most workflows of a tenant that are open only to wait. Waits without one become overdue by their rows alone."""
CHECK_EVERY = 5.0
CHECK_AFTER = 60.0
"""Seconds between checks, and since a workflow was last signalled or seen before it is checked."""
STRAYS_EVERY = 5.0
"""Seconds between two pages of open workflows that are compared with the rows."""
RETENTION_EVERY = 5.0
"""Seconds between two looks for tenants whose rows are due to be trimmed."""
ERASURES_EVERY = 1.0
"""Seconds between two looks for erasures whose workflows are to be started."""
QUARANTINE_EVERY = 1.0
"""Seconds between two looks for redrives and discards whose workflows are to be started."""
CONSUMERS_EVERY = 10.0
"""Seconds between two looks at the consumers."""


class Dispatcher:
    """Any number of dispatchers may run: they share the work by locking rows."""

    def __init__(
        self,
        pool: Pool,
        starter: Starter,
        *,
        check_after: float = CHECK_AFTER,
        open_waits: int = OPEN_WAITS,
        retention: Retention | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        """``catalog``: that of the facts about consumers; None: consumers are left to another dispatcher."""
        self._catalog = catalog
        self._retention = retention or Retention()
        self._open_waits = open_waits
        self._pool = pool
        self._starter = starter
        self._check_after = check_after
        self._checked = time.monotonic()
        self._started = 0.0
        self._strays = StrayWorkflows(pool, starter)

    async def run(self) -> None:
        """Runs until it is cancelled, also while PostgreSQL or Temporal are unavailable."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beside(STRAYS_EVERY, "stray workflows cannot be looked for", self._strays.round))
            group.create_task(self._beside(ERASURES_EVERY, "erasures cannot be started", self.erase))
            look = "quarantined events cannot be processed"
            group.create_task(self._beside(QUARANTINE_EVERY, look, self.run_on_quarantine))
            if self._retention.trims:
                group.create_task(self._beside(RETENTION_EVERY, "retention cannot be started", self.retain))
            if self._catalog is not None:
                notify = partial(notices.publish, self._pool, self._catalog)
                group.create_task(self._beside(CONSUMERS_EVERY, "consumers cannot be looked at", notify))
            await self._dispatch()

    async def _dispatch(self) -> None:
        idle = IDLE[0]
        while True:
            try:
                busy = await self.round()
            except Unavailable as error:
                log.warning("waiting for PostgreSQL or Temporal", reason=str(error))
                await asyncio.sleep(error.retry_after)
                continue
            idle = IDLE[0] if busy else min(idle * 2, IDLE[1])
            await asyncio.sleep(idle)  # also when busy: a moment later there are more rows to claim together

    async def round(self) -> bool:
        """Does each kind of work once; returns whether there was any. Raises Unavailable."""
        sent = await self._send_outbox()
        started = False
        if time.monotonic() - self._started >= STARTS_EVERY:
            await webhooks.notify_all(self._pool)
            started = await self._start()
            self._started = time.monotonic()
        if time.monotonic() - self._checked >= min(CHECK_EVERY, self._check_after):
            self._checked = time.monotonic()
            await self.check()
        return sent or started

    async def _send_outbox(self) -> bool:
        """Rows that Temporal refuses stay claimed for a while, so that others come first."""
        rows = await outbox_dispatch.claim(self._pool, BATCH)
        calls = await _each(rows, lambda row: self._nudge(row, row.owner, row.fact, row.source, row.id, row.revision))
        if calls.done:
            await outbox_dispatch.dispatched(self._pool, calls.done)
        if calls.unsent:
            await outbox_dispatch.release(self._pool, calls.unsent)
        calls.check()
        return bool(rows)

    async def _start(self) -> bool:
        """Starts workflows for waits whose grace period is over."""
        rows = await outbox_dispatch.claim_waits(self._pool, STARTS, self._open_waits)
        calls = await _each(rows, lambda row: self._nudge(row, row.owner, GRACE_ENDED, OWN_SOURCE, "", 0))
        if calls.unsent:
            await outbox_dispatch.unstarted(self._pool, calls.unsent)
        calls.check()
        return bool(rows)

    async def check(self) -> None:
        """Starts those workflows again that should be open and are not; lets those look that have missed a deadline.

        Deadlines are in the database's time; Temporal's clock, by which workflows sleep, may be behind. Raises
        Unavailable.
        """
        rows = await outbox_dispatch.to_check(self._pool, self._check_after, BATCH)
        running: list[WorkflowToCheck] = []
        missing: list[WorkflowToCheck] = []

        async def look(row: WorkflowToCheck) -> None:
            if not await self._starter.runs(_subject(row)):
                missing.append(row)
                return
            if row.late:
                await self._nudge(row, None, LOOK, OWN_SOURCE, "", 0)
            running.append(row)

        calls = await _each(rows, look)
        if running:
            await outbox_dispatch.checked(self._pool, running)
        if missing:
            log.warning("workflows are missing and are started again", count=len(missing))
            await outbox_dispatch.unstarted(self._pool, missing)
        calls.check()

    async def retain(self) -> None:
        """Starts the retention of the tenants that are due. Raises Unavailable and RPCError: those that were claimed
        are due again then at their next turn."""
        for tenant in await schedule.claim(self._pool, self._retention.every):
            await self._starter.retain(tenant)

    async def erase(self) -> None:
        """Starts the erasures that are due. Raises Unavailable and RPCError: they are due again in a minute."""
        for due in await erasures.claim(self._pool):
            await self._starter.erase(due.tenant, due.id)

    async def run_on_quarantine(self) -> None:
        """Starts redrives and discards. Raises Unavailable and RPCError: they are due again in a minute."""
        for due in await quarantine_runs.claim(self._pool):
            await self._starter.run_on_quarantine(due.tenant, due.id)

    async def _beside(self, seconds: float, failure: str, work: Callable[[], Awaitable[None]]) -> None:
        """Repeats work beside the dispatch, with a pause before each time: Temporal's list of workflows may be slow or
        away where all else is not. ``failure``: what a log says if it fails."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Unavailable as error:
                log.warning(failure, reason=str(error))
            except RPCError as error:
                log.warning(failure, reason=error.message or error.status.name)
            except RuntimeError as error:  # raised by a lazy client while it cannot connect
                log.warning(failure, reason=str(error))

    async def _nudge(self, row: OfWorkflow, owner: str | None, fact: str, source: str, id: str, revision: int) -> None:
        nudge = Nudge(source=source, id=id, revision=revision)
        await self._starter.nudge(_subject(row), fact, nudge, owner)


@dataclass(slots=True)
class _Calls(Generic[Row]):
    """The rows of a batch by outcome. ``unsent``: not tried, or Temporal was unavailable; ``reason``: why."""

    done: list[Row] = field(default_factory=list)
    unsent: list[Row] = field(default_factory=list)
    reason: str = ""

    def check(self) -> None:
        """Raises Unavailable if Temporal was."""
        if self.unsent:
            raise Unavailable(f"Temporal is unavailable: {self.reason}")


async def _each(rows: Sequence[Row], call: Callable[[Row], Awaitable[None]]) -> _Calls[Row]:
    """Makes one call for each row, some concurrently, until Temporal turns out to be unavailable.

    A call that Temporal refuses is logged and does not stop the others.
    """
    slots = asyncio.Semaphore(AT_ONCE)
    calls = _Calls[Row]()

    async def one(row: Row) -> None:
        async with slots:
            if calls.unsent:
                calls.unsent.append(row)
                return
            try:
                await call(row)
            except RPCError as error:
                if is_unavailable(error):
                    calls.unsent.append(row)
                    calls.reason = error.message or error.status.name
                else:
                    log.error("Temporal refuses a call", workflow=subject_id(_subject(row)), reason=error.message)
            except RuntimeError as error:  # raised by a lazy client while it cannot connect
                calls.unsent.append(row)
                calls.reason = str(error)
            else:
                calls.done.append(row)

    await asyncio.gather(*(one(row) for row in rows))
    return calls


def _subject(row: OfWorkflow) -> Subject:
    return Subject(tenant=row.tenant, workflow=row.workflow, about=row.about, key=row.key)


async def main(settings: Settings) -> None:
    """Runs until it is cancelled."""
    logs.configure(settings)
    catalog = catalogs.load(settings.catalog)
    pool = await create_pool(settings.database_url, 4, name="tether dispatcher")
    try:
        client = await temporal.connect(lazy=True)
        garbage.collect_rarely()
        log.info("ready")
        await Dispatcher(pool, Starter(client), retention=settings.retention, catalog=catalog).run()
    finally:
        await pool.close()


def run(settings: Settings) -> None:
    """Runs until SIGINT or SIGTERM."""
    with contextlib.suppress(KeyboardInterrupt):
        logs.run(main(settings))


if __name__ == "__main__":
    run(Settings())
