"""One redrive or discard of quarantined events: they are processed, some at a time, until none is left.

The dispatcher starts it as its row says, again if it is lost or has come to the end of its rounds: the row says how far
it has come.
"""

from temporalio import workflow

from activities.quarantine import QuarantineActivities as Activities
from messages.quarantine_runs import QuarantineProgress, QuarantineStep
from workflows.activity_options import COUNT

ROUNDS = 200
"""Activities of one run, at most: their history stays short."""


@workflow.defn
class QuarantineRunWorkflow:
    """Processes until nothing is left, or the row says that the run was cancelled."""

    @workflow.run
    async def run(self, step: QuarantineStep) -> QuarantineProgress:
        """Repeats the activity, each time for some seconds."""
        events = 0
        for _ in range(ROUNDS):
            done = await workflow.execute_activity_method(Activities.process, step, **COUNT)
            events += done.events
            if not done.more:
                return QuarantineProgress(events=events)
        return QuarantineProgress(events=events, more=True)
