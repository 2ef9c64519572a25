"""The moves of one child to other parents, one after the other."""

from typing import Any

from temporalio import workflow

from activities.move import MoveActivities as Do
from messages.operations import OperationResult, OperationStatus
from workflows.base import Listener


@workflow.defn
class MoveWorkflow(Listener):
    """Waits until the target lives, asks the child's owner to move it if it still is where it is thought to be, and
    waits for the owner's own fact, which closes the operation."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__("move", given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """Rounds of: record what was told, look, ask, wait; until no move is under way."""
        self._check()
        while True:
            await self._begin_round()
            standing = await self._look(Do.look_at_moves)
            if standing.operation:
                self._ask(Do.ask_to_move, standing)
                self._tell(standing)
                await self._wait(standing.due)
            elif await self._may_leave(standing):
                return self._over()

    def _tell(self, standing: OperationStatus) -> None:
        state = "asked" if standing.command else "waiting"
        self._show(standing.describe(), state, self._subject.about, standing.owner)
