"""One erasure: rows are emptied, the owner is requested to follow, and the tables are vacuumed.

The dispatcher starts it as its row says, again if it is lost: every step may be repeated.
"""

from datetime import timedelta

from temporalio import workflow

from activities.erasure import ErasureActivities as Activities
from messages.erasure import ErasureProgress, ErasureStep
from workflows.activity_options import COUNT, DATABASE, OWNER_REPEATED, owners_queue

PAUSE = timedelta(seconds=2)
"""Before the rows are looked at again: a request that was made of the data before may have been stored meanwhile."""
OLD_SNAPSHOTS = timedelta(minutes=1)
VACUUMS = 30
"""Times that the tables are vacuumed, at most, while sessions still read what was there before; and between them."""


@workflow.defn
class ErasureWorkflow:
    """Empties, requests, vacuums, and ends."""

    @workflow.run
    async def run(self, step: ErasureStep) -> None:
        """Carries out one erasure. The owner comes last: it may be away for days."""
        await self._empty(step)
        await workflow.sleep(PAUSE)
        progress = await self._empty(step)
        await self._vacuum(step)
        await self._request_owner(step, progress)
        await workflow.execute_local_activity_method(Activities.end, step, **DATABASE)

    async def _empty(self, step: ErasureStep) -> ErasureProgress:
        return await workflow.execute_activity_method(Activities.erase, step, **COUNT)

    async def _vacuum(self, step: ErasureStep) -> None:
        """What sessions keep for longer, autovacuum removes after them; the certificate says that."""
        for _ in range(VACUUMS):
            if (await workflow.execute_activity_method(Activities.vacuum, step, **COUNT)).vacuumed:
                return
            await workflow.sleep(OLD_SNAPSHOTS)

    async def _request_owner(self, step: ErasureStep, progress: ErasureProgress) -> None:
        if progress.owner:
            await workflow.execute_activity_method(
                Activities.request_owner,
                step,
                task_queue=owners_queue(progress.owner),
                summary=f"{progress.command} at {progress.owner}",
                **OWNER_REPEATED,
            )
