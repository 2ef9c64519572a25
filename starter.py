"""Starts and signals workflows. Temporal may be away: nothing is lost then, because intents are rows."""

from datetime import timedelta
from urllib.parse import quote

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from workflows.messages import ENTITY, OWNER, RELATIONSHIP, STATE, TASK_QUEUE, Instance, Nudge, workflow_id
from workflows.relationship import RelationshipWorkflow

_CHECK = timedelta(seconds=2)
_CALL = timedelta(seconds=10)
_CLOSED = {
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
}
_AWAY = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.ABORTED,
    RPCStatusCode.INTERNAL,
}


def is_away(error: RPCError) -> bool:
    """Whether Temporal cannot be reached now, as opposed to refusing."""
    return error.status in _AWAY


class Starter:
    """The workflows of instances of relationships."""

    def __init__(self, client: Client, *, task_queue: str = TASK_QUEUE) -> None:
        self._client = client
        self._task_queue = task_queue

    @property
    def namespace(self) -> str:
        """Temporal's namespace."""
        return self._client.namespace

    async def nudge(self, instance: Instance, fact: str, nudge: Nudge, debtor: str | None = None) -> None:
        """Tells the instance's workflow of a fact; starts it if it does not run. Raises RPCError.

        Always by a signal: one that is about to end takes notice of it, or a new one begins.
        ``debtor``: who owes what the instance waits for, if that is known yet.
        """
        attributes = [
            SearchAttributePair(RELATIONSHIP, instance.relationship),
            SearchAttributePair(ENTITY, instance.parent[:200]),
            SearchAttributePair(STATE, "waiting"),
        ]
        if debtor:
            attributes.append(SearchAttributePair(OWNER, debtor))
        await self._client.start_workflow(
            RelationshipWorkflow.run,
            instance,
            id=workflow_id(instance),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=fact,
            start_signal_args=[nudge],
            static_summary=f"{instance.relationship} of {instance.parent}"[:200],
            search_attributes=TypedSearchAttributes(attributes),
            rpc_timeout=_CALL,
        )

    async def runs(self, instance: Instance) -> bool:
        """Whether the instance's workflow is open. By the raw call: the SDK does not know every status."""
        request = DescribeWorkflowExecutionRequest(namespace=self._client.namespace)
        request.execution.workflow_id = workflow_id(instance)
        try:
            answer = await self._client.workflow_service.describe_workflow_execution(request, timeout=_CALL)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise
        return answer.workflow_execution_info.status not in _CLOSED

    async def check(self) -> str:
        """``ok``, or why Temporal cannot be used."""
        try:
            serving = await self._client.service_client.check_health(timeout=_CHECK)
        except RPCError as error:
            return f"away: {error.message or error.status.name}"
        except RuntimeError as error:  # what a lazy client raises while it cannot connect
            return f"away: {error}"
        return "ok" if serving else "not serving"


def workflow_url(ui: str, namespace: str, id: str) -> str:
    """Where Temporal's Web UI shows a workflow."""
    return f"{ui.rstrip('/')}/namespaces/{namespace}/workflows/{quote(id, safe='')}"
