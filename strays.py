"""Ends stray workflows: open ones of which no row says what they wait for, as after a restore of the database.

The dispatcher starts again what is missing; this is the reverse. A workflow that looks at its rows and finds nothing
ends by itself, so a stray one is signalled to look, and terminated only if it has looked and stays. Before each of the
two its rows are read again, so that none is taken for stray that is just starting.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from temporalio.service import RPCError, RPCStatusCode

from catalog.registry import OWN_SOURCE
from messages.signals import Nudge
from starter import OpenWorkflow, Starter
from store.db.pool import Pool
from store.write import stray_rows

log = structlog.get_logger()

LOOK = "LookAgain"
"""The signal to a workflow that is to look at its rows. It carries no fact."""
REASON = "no wait, no open operation and no outbox row says what this workflow waits for; it has looked, and stayed"
PAGE = 100
"""Open workflows that are compared with the rows together."""
SUSPECTS = 500
"""Workflows without rows that are remembered at most; beyond them no further page is read."""
AT_ONCE = 25
"""Calls of Temporal in one round, beside that for the page."""


@dataclass(slots=True)
class _Suspect:
    """A workflow without rows. ``since``: when it was first seen, or signalled."""

    workflow: OpenWorkflow
    since: float
    signalled: bool = False


class StrayWorkflows:
    """Looks for stray workflows page by page, and ends them. Several dispatchers may do so at the same time.

    ``settle``: seconds between two looks at a workflow's rows before it is signalled; ``stay``: seconds that it has to
    look and to end after that; ``pause``: seconds from the begin of one pass over all workflows to that of the next.
    """

    def __init__(
        self, pool: Pool, starter: Starter, *, settle: float = 30.0, stay: float = 60.0, pause: float = 60.0
    ) -> None:
        self._pool = pool
        self._starter = starter
        self._settle = settle
        self._stay = stay
        self._pause = pause
        self._page = b""
        self._next_pass = 0.0
        self._suspects: dict[str, _Suspect] = {}

    @property
    def suspects(self) -> int:
        """How many open workflows had no rows when they were last compared."""
        return len(self._suspects)

    async def round(self) -> None:
        """Treats the suspects that are due, and reads one page of open workflows. Raises Unavailable and RPCError.

        In this order, so that the rows of a workflow are read in two rounds before it is signalled.
        """
        await self._treat()
        await self._read_page()

    async def _read_page(self) -> None:
        now = time.monotonic()
        if (not self._page and now < self._next_pass) or len(self._suspects) >= SUSPECTS:
            return
        if not self._page:
            self._next_pass = now + self._pause
        found, self._page = await self._starter.list_open(PAGE, self._page)
        for workflow in await self._without_rows(found):
            self._suspects.setdefault(workflow.run_id, _Suspect(workflow, now))

    async def _treat(self) -> None:
        """Signals or terminates the suspects that have been without rows for long enough."""
        now = time.monotonic()
        due = [s for s in self._suspects.values() if now - s.since >= (self._stay if s.signalled else self._settle)]
        due = due[:AT_ONCE]
        without = {workflow.run_id for workflow in await self._without_rows([suspect.workflow for suspect in due])}
        signalled = terminated = 0
        for suspect in due:
            if suspect.workflow.run_id not in without:  # its rows were written after the page was read
                del self._suspects[suspect.workflow.run_id]
            elif not suspect.signalled:
                signalled += await self._signal(suspect)
            else:
                terminated += await self._terminate(suspect)
        if signalled or terminated:
            await stray_rows.count(self._pool, signalled=signalled, terminated=terminated)

    async def _without_rows(self, workflows: Sequence[OpenWorkflow]) -> list[OpenWorkflow]:
        if not workflows:
            return []
        found = await stray_rows.without_rows(self._pool, [workflow.subject for workflow in workflows])
        return [workflow for workflow, stray in zip(workflows, found, strict=True) if stray]

    async def _signal(self, suspect: _Suspect) -> bool:
        """Signals a workflow to look at its rows; False if it has ended."""
        workflow = suspect.workflow
        try:
            await self._starter.signal(workflow, LOOK, Nudge(source=OWN_SOURCE, id="", revision=0))
        except RPCError as error:
            return self._ended(workflow, error)
        log.warning("a workflow has no rows and is signalled to look", workflow=workflow.id)
        suspect.since, suspect.signalled = time.monotonic(), True
        return True

    async def _terminate(self, suspect: _Suspect) -> bool:
        """Terminates a workflow that has looked and stayed; False if it has ended, or has not looked yet.

        While a workflow task is pending, no worker has served it since the signal. It may hold facts that services
        have signalled, which no row has yet.
        """
        workflow = suspect.workflow
        try:
            if not await self._starter.is_idle(workflow):
                suspect.since = time.monotonic()
                log.warning("a workflow has no rows, and no worker lets it look", workflow=workflow.id)
                return False
            await self._starter.terminate(workflow, REASON)
        except RPCError as error:
            return self._ended(workflow, error)
        log.error("a workflow without rows has not ended, and is terminated", workflow=workflow.id, reason=REASON)
        del self._suspects[workflow.run_id]
        await stray_rows.start_again(self._pool, workflow.subject)  # if a row was written since they were read
        return True

    def _ended(self, workflow: OpenWorkflow, error: RPCError) -> bool:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise error
        del self._suspects[workflow.run_id]
        return False
