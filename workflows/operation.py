"""What the workflows of operations have in common."""

from typing import Any

from temporalio import workflow

from messages.operations import OperationRequest, OperationResult, OperationStatus, OperationStep, operation_input
from workflows.activity_options import DATABASE
from workflows.base import FactWorkflow, RequestTask


class OperationWorkflow(FactWorkflow):
    """Carries out operations on one subject, one after another, until none is under way."""

    def __init__(self, kind: str, given: Any) -> None:
        super().__init__(kind, operation_input(workflow.info().workflow_id, kind, given))
        self._last = ""

    async def _look(self, activity: Any) -> OperationStatus:
        """Ends the operations that can be ended, deletes outbox rows that were read, and says what is under way."""
        step = OperationStep(subject=self._subject)
        status: OperationStatus = await workflow.execute_local_activity_method(activity, step, **DATABASE)
        self._status = status
        self._set_clock(status.now)
        self._last = status.operation or self._last
        return status

    def _request_owner(self, activity: Any, status: OperationStatus) -> None:
        """Sends the operation's command to its owner, once for each operation."""
        if not status.command:
            return
        request = RequestTask(
            activity,
            OperationRequest(subject=self._subject, operation=status.operation),
            owner=status.owner,
            summary=f"{status.command} at {status.owner} for {self._subject.key}",
            due=status.due,
        )
        self._request_once(status.operation, request)

    def _owner_is_unavailable(self) -> None:
        """The reason is in the operation's row by now, and the next round shows it."""
        self._woken = True

    def _end(self) -> OperationResult:
        """The result, when no operation is under way."""
        last = f"over; see operation {self._last} for its result"
        self._show(last if self._last else "nothing is under way", "complete")
        return OperationResult(description=self._description)
