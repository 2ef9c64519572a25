"""The moves of one child to other parents, one after another."""

from typing import Any

from temporalio import workflow

from activities.move import MoveActivities as Activities
from messages.operations import OperationResult, OperationStatus
from messages.search_attributes import STATE_REQUESTED
from workflows.operation import OperationWorkflow


@workflow.defn
class MoveWorkflow(OperationWorkflow):
    """Waits until the target exists, requests the move from the child's owner if the child is still in the expected
    parent, and waits for the owner's own fact, which confirms the operation."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__("move", given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """Repeats: record signalled facts, look, request, wait; until no move is under way."""
        self._check_subject()
        while True:
            await self._begin_round()
            status = await self._look(Activities.look_at_moves)
            if status.operation:
                self._request_owner(Activities.request_move, status)
                self._show_status(status)
                await self._wait_until(status.due)
            elif await self._may_end(status.newer):
                return self._end()

    def _show_status(self, status: OperationStatus) -> None:
        state = STATE_REQUESTED if status.command else "waiting"
        self._show(status.describe(), state, self._subject.about, status.owner)
