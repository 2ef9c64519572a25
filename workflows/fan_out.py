"""Sends requests for many children: one relationship after another, a few hundred at a time, at their owner's pace."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.sweep import SweepActivities
from messages import shortened
from messages.operations import ChildCounts, ChildRequests, OperationStatus, SweepInput, SweepResult
from workflows.activity_options import SWEEP, is_final, owners_queue
from workflows.operation import OperationWorkflow

SHORTEST_PAUSE = 0.5
LONGEST_RETRY_PAUSE = 15.0
LONGEST_FACT_PAUSE = 60.0
"""Seconds. Pauses double from the shortest: up to the second between sweeps of an owner that does not answer (the
circuit breaker may ask for more), up to the third between repeated requests whose facts do not come."""


@dataclass
class _Pace:
    """Back-off for one relationship."""

    after: str = ""
    """Cursor: where its next sweep begins."""
    pause: float = 0.0
    """Seconds between its last sweep and the next."""
    not_before: datetime | None = None
    unavailable: str = ""
    """Why its owner cannot be sent requests; empty: it can."""

    def back_off(self, now: datetime, at_least: float) -> None:
        """Doubles the pause; ``at_least``: seconds."""
        self.pause = min(max(self.pause * 2, SHORTEST_PAUSE), LONGEST_RETRY_PAUSE)
        self.not_before = now + timedelta(seconds=max(self.pause, at_least))

    def reset(self) -> None:
        """The owner answers: the next sweep may begin at once."""
        self.pause, self.not_before, self.unavailable = 0.0, None, ""


class FanOutWorkflow(OperationWorkflow):
    """Requests children relationship by relationship. Each has a pace of its own, so that an owner that is unavailable
    delays no other. ``sends``: the activity that sends the requests of a few hundred children."""

    sends: Any = SweepActivities.sweep

    def __init__(self, kind: str, given: Any) -> None:
        super().__init__(kind, given)
        self._paces: dict[str, _Pace] = {}
        self._fact_pause = SHORTEST_PAUSE
        self._repeat_requested = False
        self._counts = ChildCounts()

    async def _sweep(self, status: OperationStatus) -> None:
        """Sends requests where children remain and their owner is available; waits for facts otherwise."""
        now = workflow.now()
        if status.counts != self._counts:  # facts are coming: more may follow soon
            self._counts, self._fact_pause = status.counts, SHORTEST_PAUSE
        due = status.concerned if self._repeat_requested else status.to_request
        ready = [each for each in due if (at := self._pace(each).not_before) is None or at <= now]
        if ready:
            await self._sweep_each(status, ready)
        else:
            await self._wait_for_facts(status, due, now)

    async def _sweep_each(self, status: OperationStatus, ready: list[ChildRequests]) -> None:
        """Sweeps relationships at the same time."""
        self._show_status(status, "sweeping")
        repeat, self._repeat_requested = self._repeat_requested, False
        if any(await asyncio.gather(*(self._sweep_one(status.operation, each, repeat) for each in ready))):
            self._fact_pause = SHORTEST_PAUSE

    async def _wait_for_facts(self, status: OperationStatus, due: list[ChildRequests], now: datetime) -> None:
        """Waits for a fact, or until a relationship may be swept again or requests are to be repeated."""
        self._show_status(status, "stuck" if any(self._pace(each).unavailable for each in due) else "waiting")
        sweeps = [at for each in due if (at := self._pace(each).not_before) is not None]
        repeat_at = now + timedelta(seconds=self._fact_pause)
        until = min([*sweeps, repeat_at] if status.unconfirmed or not sweeps else sweeps)
        left = until - workflow.now()
        if status.stop_at is not None:
            left = min(left, status.stop_at - self._now())
        if status.ended_life and status.due is not None:
            left = min(left, status.due - self._now())
        if not await self._wait(left) and workflow.now() >= repeat_at:
            # A fact that changed nothing wakes no workflow, so a child may be gone although its fact was not seen.
            self._fact_pause = min(self._fact_pause * 2, LONGEST_FACT_PAUSE)
            self._repeat_requested = True

    async def _sweep_one(self, operation: str, children: ChildRequests, repeat: bool) -> bool:
        """Sends a few hundred requests for one relationship; returns whether any was accepted or refused."""
        pace = self._pace(children)
        sweep = SweepInput(
            subject=self._subject,
            operation=operation,
            relationship=children.relationship,
            after="" if repeat else pace.after,
            repeat=repeat,
        )
        try:
            result: SweepResult = await workflow.execute_activity_method(
                self.sends,
                sweep,
                task_queue=owners_queue(children.owner),
                summary=shortened.summary(
                    f"{children.command} at {children.owner}, after {sweep.after or 'the beginning'}"
                ),
                **SWEEP,
            )
        except ActivityError as error:
            if is_final(error):
                raise
            pace.back_off(workflow.now(), 0)
            return False
        pace.after = result.after or ""
        if result.unavailable or (result.failing and not result.requested + result.gone):
            pace.unavailable = result.unavailable or "its owner fails at every child that is left"
            pace.back_off(workflow.now(), result.retry_after)
        else:
            pace.reset()
            if result.after is None and result.failing:  # the others of this sweep went well
                pace.back_off(workflow.now(), min(result.retry_after, LONGEST_RETRY_PAUSE))
        return result.requested + result.parked > 0

    def _pace(self, children: ChildRequests) -> _Pace:
        return self._paces.setdefault(children.relationship, _Pace())

    def _show_status(self, status: OperationStatus, state: str) -> None:
        owner = status.owner or ",".join(sorted({each.owner for each in status.concerned}))
        relationship = ",".join(each.relationship for each in status.concerned)
        self._show(status.describe(), state, relationship, owner)
