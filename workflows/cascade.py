"""The deletion of one entity, if an operation requests it, and what becomes of its children."""

from typing import Any

from temporalio import workflow

from activities.cascade import CascadeActivities as Activities
from messages.operations import OperationResult
from messages.search_attributes import STATE_REQUESTED
from workflows.fan_out import FanOutWorkflow


@workflow.defn
class CascadeDeleteWorkflow(FanOutWorkflow):
    """Requests the deletion from the entity's owner and waits for its fact; then sends the owners of its children a
    request for each child, late ones included, until their facts have confirmed that none is left."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__("cascade", given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """Repeats: record signalled facts, look, request the deletion or the children, wait; until all is done."""
        self._check_subject()
        while True:
            await self._begin_round()
            status = await self._look(Activities.look_at_end)
            if status.command:
                self._request_owner(Activities.request_deletion, status)
                if status.ended_life:  # empty in histories of earlier releases
                    await self._sweep(status.model_copy(update={"operation": status.ended_life}))
                else:
                    self._show_status(status, STATE_REQUESTED)
                    await self._wait_until(status.due)
            elif status.operation:
                await self._sweep(status)
            elif await self._may_end(status.newer):
                return self._end()
