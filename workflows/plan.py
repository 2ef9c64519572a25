"""The execution of a plan: exactly the children that it names are moved or detached."""

from typing import Any

from temporalio import workflow

from activities.plan import PlanActivities as Activities
from messages.operations import OperationResult
from workflows.fan_out import FanOutWorkflow


@workflow.defn
class PlanWorkflow(FanOutWorkflow):
    """Sends the children's owner a request for each of them, and waits until its facts have confirmed the result."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__("plan", given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """Repeats: record signalled facts, look, sweep the children, wait; until every child is processed."""
        self._check_subject()
        while True:
            await self._begin_round()
            status = await self._look(Activities.look_at_plan)
            if status.operation:
                await self._sweep(status)
            elif await self._may_end(status.newer):
                return self._end()
