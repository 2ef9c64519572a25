"""The end of one entity: its deletion, if somebody asked for it, and what becomes of its children."""

from typing import Any

from temporalio import workflow

from activities.cascade import CascadeActivities as Do
from messages.operations import OperationResult
from workflows.fan_out import Sweeping


@workflow.defn
class CascadeDeleteWorkflow(Sweeping):
    """Asks the owner of the entity to delete it and waits for its fact; then asks the owners of its children for each
    of them, those that come late included, until their facts have told that none is left."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__("cascade", given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """Rounds of: record what was told, look, ask, sweep, wait; until nothing is left of it."""
        self._check()
        while True:
            await self._begin_round()
            standing = await self._look(Do.look_at_end)
            if standing.command:
                self._ask(Do.ask_to_delete, standing)
                self._tell(standing, "asked")
                await self._wait(standing.due)
            elif standing.operation:
                await self._sweep(standing)
            elif await self._may_leave(standing):
                return self._over()
