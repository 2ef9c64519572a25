"""Retention: the rows of one tenant that are older than the configured times are trimmed, and it ends.

The dispatcher starts it again and again, as rows say; what a lost run has left, the next one trims.
"""

from temporalio import workflow

from activities.retention import RetentionActivities as Activities
from messages.retention import RetentionResult, RetentionRun
from workflows.activity_options import COUNT

ROUNDS = 200
"""Activities of one run, at most: their history stays short. The next run goes on."""


@workflow.defn
class RetentionWorkflow:
    """Trims until nothing is left to trim."""

    @workflow.run
    async def run(self, given: RetentionRun) -> RetentionResult:
        """Repeats the activity, each time for some seconds, until it has trimmed all that it can."""
        rows = 0
        for _ in range(ROUNDS):
            done = await workflow.execute_activity_method(Activities.trim, given, **COUNT)
            rows += done.rows
            if not done.more:
                return RetentionResult(rows=rows)
        return RetentionResult(rows=rows, more=True)
