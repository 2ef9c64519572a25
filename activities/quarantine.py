"""The activity of QuarantineRunWorkflow. It may be repeated: the row of the run says how far it has come."""

import asyncio
from time import monotonic

from temporalio import activity

from messages.quarantine_runs import QuarantineProgress, QuarantineStep
from store.quarantine.redriving import Redriver

SECONDS = 20.0
"""Time after which an activity ends with what it has processed."""
BATCH = 500
"""Events of one transaction, at most."""


class QuarantineActivities:
    """Redrives and discards quarantined events. ``rate``: events of one tenant in a second."""

    def __init__(self, redriver: Redriver, rate: int) -> None:
        self._redriver = redriver
        self._rate = rate

    @activity.defn(name="process_quarantined")
    async def process(self, step: QuarantineStep) -> QuarantineProgress:
        """Processes events of a run for some seconds, batch by batch, at the rate. Raises Unavailable."""
        begun, events = monotonic(), 0
        while monotonic() - begun < SECONDS:
            done = await self._redriver.step(step.tenant, step.id, min(BATCH, self._rate))
            events += done.events
            activity.heartbeat(events)
            if not done.more:
                return QuarantineProgress(events=events)
            await self._wait(begun + events / self._rate)
        return QuarantineProgress(events=events, more=True)

    async def _wait(self, until: float) -> None:
        while (left := until - monotonic()) > 0:
            activity.heartbeat(left)
            await asyncio.sleep(min(left, 1.0))
