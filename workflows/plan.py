"""The execution of a plan: exactly the children that it names are moved or detached."""

from typing import Any

from temporalio import workflow

from activities.plan import PlanActivities as Do
from messages.operations import OperationResult
from workflows.fan_out import Sweeping


@workflow.defn
class PlanWorkflow(Sweeping):
    """Asks the children's owner for each of them, and waits until its facts have told what came of it."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__("plan", given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """Rounds of: record what was told, look, sweep, wait; until every child is seen to."""
        self._check()
        while True:
            await self._begin_round()
            standing = await self._look(Do.look_at_plan)
            if standing.operation:
                await self._sweep(standing)
            elif await self._may_leave(standing):
                return self._over()
