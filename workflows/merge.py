"""One merge: what it joins is recorded, proven, and its losers are retired."""

from typing import Any

from temporalio import workflow

from activities.merge import MergeActivities as Activities
from messages import shortened
from messages.merges import MergeProof, MergeStatus
from messages.operations import OperationResult
from workflows.activity_options import COUNT
from workflows.fan_out import FanOutWorkflow


@workflow.defn
class MergeWorkflow(FanOutWorkflow):
    """Records a merge in one revision, counts what it has conserved, and requests the owner of the losers to retire
    each; waits until its facts have confirmed that."""

    sends = Activities.retire

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__("merge", given)
        self._survivor = ""

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """Repeats: record signalled facts, look (which records the merge), count, retire, wait; until all is done."""
        self._check_subject()
        while True:
            await self._begin_round()
            status = await self._look(Activities.look_at_merge)
            assert isinstance(status, MergeStatus)
            self._survivor = status.survivor or self._survivor
            if status.to_prove:
                await self._prove(status)
            elif status.concerned:
                await self._sweep(status)
            elif status.operation:
                self._show(status.describe(), "waiting")
                await self._wait_until(status.due)
            elif await self._may_end(status.newer):
                return self._end()

    @property
    def _shown_entity(self) -> str:
        """The survivor, once it is known: its operation says nothing to people."""
        return self._survivor or self._subject.key

    async def _prove(self, status: MergeStatus) -> None:
        """Counts what the merge has conserved; without an end, since nothing else may be requested before."""
        self._show(status.describe(), "counting")
        await workflow.execute_activity_method(
            Activities.prove_merge,
            MergeProof(subject=self._subject, operation=status.operation),
            summary=shortened.summary(f"what {status.survivor} and the {len(status.losers)} merged into it had"),
            **COUNT,
        )
