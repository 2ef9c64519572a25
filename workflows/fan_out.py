"""How many children are asked for: relationship by relationship, some hundreds at a time, at their owner's pace."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.sweep import SweepActivities
from messages.operations import ChildCounts, ChildRequests, OperationStatus, SweepInput, SweepResult
from workflows.base import Listener
from workflows.options import SWEEPING, is_final, owners_queue

FIRST_PAUSE = 0.5
LONGEST_BREATH = 15.0
LONGEST_PAUSE = 60.0
"""Seconds between attempts at an owner that answers nobody, and between looks at facts that do not come: from, up to.
One that is away has a circuit, which says when it will be asked again."""


@dataclass
class _Pace:
    """Of one relationship. ``after``: where its sweep goes on; ``pause``: seconds before its next attempt."""

    after: str = ""
    pause: float = 0.0
    not_before: datetime | None = None
    away: str = ""

    def slower(self, now: datetime, at_least: float) -> None:
        self.pause = min(max(self.pause * 2, FIRST_PAUSE), LONGEST_BREATH)
        self.not_before = now + timedelta(seconds=max(self.pause, at_least))

    def at_once(self) -> None:
        self.pause, self.not_before, self.away = 0.0, None, ""


class Sweeping(Listener):
    """Each owner has a pace of its own: one that is away keeps nobody else waiting."""

    def __init__(self, kind: str, given: Any) -> None:
        super().__init__(kind, given)
        self._paces: dict[str, _Pace] = {}
        self._patience = FIRST_PAUSE
        self._again = False
        self._counts = ChildCounts()

    async def _sweep(self, standing: OperationStatus) -> None:
        """Asks for children where there are any and their owner has time; else waits for facts."""
        now = workflow.now()
        if standing.counts != self._counts:  # facts are coming: more may follow soon
            self._counts, self._patience = standing.counts, FIRST_PAUSE
        todo = standing.concerned if self._again else standing.to_request
        ready = [t for t in todo if (due := self._pace(t).not_before) is None or due <= now]
        if ready:
            self._tell(standing, "sweeping")
            again, self._again = self._again, False
            if any(await asyncio.gather(*(self._some(standing.operation, t, again) for t in ready))):
                self._patience = FIRST_PAUSE
            return
        self._tell(standing, "stuck" if any(self._pace(t).away for t in todo) else "waiting")
        pauses = [due for t in todo if (due := self._pace(t).not_before) is not None]
        patience = now + timedelta(seconds=self._patience)
        soon = min([*pauses, patience] if standing.unconfirmed or not pauses else pauses)
        if not await self._wait(soon) and workflow.now() >= patience:
            # Facts that do not come: some may have been overtaken by others that changed nothing.
            self._patience = min(self._patience * 2, LONGEST_PAUSE)
            self._again = True

    async def _some(self, operation: str, todo: ChildRequests, again: bool) -> bool:
        """Some hundreds of one relationship; whether that came to anything."""
        pace = self._pace(todo)
        sweep = SweepInput(
            subject=self._subject,
            operation=operation,
            relationship=todo.relationship,
            after="" if again else pace.after,
            repeat=again,
        )
        try:
            swept: SweepResult = await workflow.execute_activity_method(
                SweepActivities.sweep,
                sweep,
                task_queue=owners_queue(todo.owner),
                summary=f"{todo.command} at {todo.owner}, after {sweep.after or 'the beginning'}"[:200],
                **SWEEPING,
            )
        except ActivityError as error:
            if is_final(error):
                raise
            pace.slower(workflow.now(), 0)
            return False
        pace.after = swept.after or ""
        if swept.unavailable or (swept.failing and not swept.requested + swept.gone):
            pace.away = swept.unavailable or "its owner answers none of what is left"
            pace.slower(workflow.now(), swept.retry_after)
        else:
            pace.at_once()
            if swept.after is None and swept.failing:  # the others of this round went well: once more, after a breath
                pace.slower(workflow.now(), min(swept.retry_after, LONGEST_BREATH))
        return swept.requested + swept.parked > 0

    def _pace(self, todo: ChildRequests) -> _Pace:
        return self._paces.setdefault(todo.relationship, _Pace())

    def _tell(self, standing: OperationStatus, state: str) -> None:
        owner = standing.owner or ",".join(sorted({t.owner for t in standing.concerned}))
        relationship = ",".join(t.relationship for t in standing.concerned)
        self._show(standing.describe(), state, relationship, owner)
