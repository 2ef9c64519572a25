"""Starts and signals workflows. Nothing is lost while Temporal is unavailable: the outbox keeps what is to be sent."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import orjson
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from messages import shortened
from messages.base import Message
from messages.erasure import ErasureStep, erasure_id
from messages.quarantine_runs import QuarantineStep, quarantine_run_id
from messages.relationship import RelationshipInstance, relationship_input
from messages.retention import RetentionRun, retention_id
from messages.search_attributes import ENTITY, OWNER, RELATIONSHIP, STATE
from messages.signals import Nudge
from messages.workflow_ids import TASK_QUEUE, Subject, subject_id, subject_of
from workflows.cascade import CascadeDeleteWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.erasure import ErasureWorkflow
from workflows.merge import MergeWorkflow
from workflows.move import MoveWorkflow
from workflows.plan import PlanWorkflow
from workflows.quarantine import QuarantineRunWorkflow
from workflows.relationship import RelationshipWorkflow
from workflows.retention import RetentionWorkflow

_CHECK = timedelta(seconds=2)
_CALL = timedelta(seconds=10)
_CLOSED = {
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
}
_UNAVAILABLE = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.ABORTED,
    RPCStatusCode.INTERNAL,
}
_WORKFLOWS: dict[str, Any] = {
    "relationship": RelationshipWorkflow.run,
    "move": MoveWorkflow.run,
    "cascade": CascadeDeleteWorkflow.run,
    "plan": PlanWorkflow.run,
    "merge": MergeWorkflow.run,
    "delivery": DeliveryWorkflow.run,
}
_SUMMARIES = {
    "relationship": "{about} of {key}",
    "move": "moves of {key} in {about}",
    "cascade": "deletion of {about} {key} and its children",
    "plan": "plan to {about}, operation {key}",
    "merge": "merge of {about} records, operation {key}",
    "delivery": "deliveries to the {about} of {key}",
}


_KINDS = {
    "RelationshipWorkflow": "relationship",
    "MoveWorkflow": "move",
    "CascadeDeleteWorkflow": "cascade",
    "PlanWorkflow": "plan",
    "MergeWorkflow": "merge",
    "DeliveryWorkflow": "delivery",
}
"""Name of a workflow's type → kind of its subject."""


@dataclass(frozen=True, slots=True)
class OpenWorkflow:
    """A run of a workflow that Temporal lists as open, and what it is about."""

    id: str
    run_id: str
    subject: Subject


def is_unavailable(error: RPCError) -> bool:
    """Whether the error says that Temporal is unavailable, as opposed to refusing the call."""
    return error.status in _UNAVAILABLE


class Starter:
    """Starts, signals and finds the workflows of relationships and operations."""

    def __init__(self, client: Client, *, task_queue: str = TASK_QUEUE) -> None:
        self._client = client
        self._task_queue = task_queue

    @property
    def namespace(self) -> str:
        """Temporal's namespace."""
        return self._client.namespace

    async def nudge(self, subject: Subject, fact: str, nudge: Nudge, owner: str | None = None) -> None:
        """Signals a fact to the workflow of a subject, and starts it if it does not run. Raises RPCError.

        A workflow that is about to end takes the signal into account, or a new one starts.
        ``fact``: its name, which is the signal's.
        ``owner``: of the entity that an instance waits for, if that is known yet.
        """
        attributes = [SearchAttributePair(ENTITY, shortened.entity(subject.key)), SearchAttributePair(STATE, "waiting")]
        if subject.workflow in ("relationship", "move"):
            attributes.append(SearchAttributePair(RELATIONSHIP, subject.about))
        if owner:
            attributes.append(SearchAttributePair(OWNER, owner))
        await self._client.start_workflow(
            _WORKFLOWS[subject.workflow],
            _input(subject),
            id=subject_id(subject),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=fact,
            start_signal_args=[nudge],
            static_summary=shortened.summary(_SUMMARIES[subject.workflow].format(about=subject.about, key=subject.key)),
            search_attributes=TypedSearchAttributes(attributes),
            rpc_timeout=_CALL,
        )

    async def retain(self, tenant: str) -> None:
        """Starts the retention of a tenant, unless it is running. Raises RPCError."""
        given = RetentionRun(tenant=tenant)
        await self._start(RetentionWorkflow.run, given, retention_id(tenant), f"retention of {tenant}")

    async def erase(self, tenant: str, id: str) -> None:
        """Starts the workflow of an erasure, unless it is running. Raises RPCError."""
        await self._start(
            ErasureWorkflow.run, ErasureStep(tenant=tenant, id=id), erasure_id(tenant, id), f"erasure {id}"
        )

    async def run_on_quarantine(self, tenant: str, id: str) -> None:
        """Starts the workflow of a redrive or discard, unless it is running. Raises RPCError."""
        summary = f"quarantined events of {tenant}, run {id}"
        step = QuarantineStep(tenant=tenant, id=id)
        await self._start(QuarantineRunWorkflow.run, step, quarantine_run_id(tenant, id), summary)

    async def _start(self, run: Any, given: Message, id: str, summary: str) -> None:
        """Starts a workflow that takes no signals, unless one of this id is running."""
        await self._client.start_workflow(
            run,
            given,
            id=id,
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=shortened.summary(summary),
            rpc_timeout=_CALL,
        )

    async def runs(self, subject: Subject) -> bool:
        """Whether the workflow of a subject is open. Uses the raw call: the SDK does not know every status."""
        try:
            answer = await self._describe(subject_id(subject))
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise
        return answer.workflow_execution_info.status not in _CLOSED

    async def list_open(self, size: int, page: bytes) -> tuple[list[OpenWorkflow], bytes]:
        """A page of the open workflows of the task queue, and the token of the next one; empty: the first, the last.

        The list may be some seconds old. Workflows that are about nothing are left out: they fail by themselves.
        """
        request = ListWorkflowExecutionsRequest(
            namespace=self._client.namespace,
            page_size=size,
            next_page_token=page,
            query=f"TaskQueue = '{self._task_queue}' AND ExecutionStatus = 'Running'",
        )
        answer = await self._client.workflow_service.list_workflow_executions(request, timeout=_CALL)
        found = []
        for each in answer.executions:
            subject = await self._subject(each)
            if subject is not None:
                found.append(OpenWorkflow(each.execution.workflow_id, each.execution.run_id, subject))
        return found, answer.next_page_token

    async def _subject(self, info: WorkflowExecutionInfo) -> Subject | None:
        """What a workflow is about, by its id; by its input where the id holds the hash of a key."""
        kind, id = _KINDS.get(info.type.name, ""), info.execution.workflow_id
        if not kind:
            return None
        subject = subject_of_workflow(id, kind, None)
        if subject is None:
            handle = self._client.get_workflow_handle(id, run_id=info.execution.run_id)
            async for event in handle.fetch_history_events(page_size=1, rpc_timeout=_CALL):
                given = event.workflow_execution_started_event_attributes.input.payloads
                return subject_of_workflow(id, kind, orjson.loads(given[0].data) if given else None)
        return subject

    async def signal(self, workflow: OpenWorkflow, name: str, nudge: Nudge) -> None:
        """Signals a run, and starts none. Raises RPCError, NOT_FOUND if it has ended."""
        await self._handle(workflow).signal(name, nudge, rpc_timeout=_CALL)

    async def is_idle(self, workflow: OpenWorkflow) -> bool:
        """Whether a run has taken every signal into account. Raises RPCError, NOT_FOUND if it has ended."""
        answer = await self._describe(workflow.id, workflow.run_id)
        if answer.workflow_execution_info.status in _CLOSED:
            raise RPCError("the workflow has ended", RPCStatusCode.NOT_FOUND, b"")
        return not answer.HasField("pending_workflow_task")

    async def terminate(self, workflow: OpenWorkflow, reason: str) -> None:
        """Terminates a run. Raises RPCError, NOT_FOUND if it has ended."""
        await self._handle(workflow).terminate(reason=reason, rpc_timeout=_CALL)

    def _handle(self, workflow: OpenWorkflow) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(workflow.id, run_id=workflow.run_id)

    async def _describe(self, id: str, run_id: str = "") -> DescribeWorkflowExecutionResponse:
        request = DescribeWorkflowExecutionRequest(namespace=self._client.namespace)
        request.execution.workflow_id, request.execution.run_id = id, run_id
        return await self._client.workflow_service.describe_workflow_execution(request, timeout=_CALL)

    async def check(self) -> str:
        """``ok``, or why Temporal cannot be used; for the readiness probe."""
        try:
            serving = await self._client.service_client.check_health(timeout=_CHECK)
        except RPCError as error:
            return f"unavailable: {error.message or error.status.name}"
        except RuntimeError as error:  # raised by a lazy client while it cannot connect
            return f"unavailable: {error}"
        return "ok" if serving else "not serving"


def _input(subject: Subject) -> Message:
    """The input of the workflow of a subject. That of a relationship has the fields that services use."""
    if subject.workflow == "relationship":
        return RelationshipInstance(tenant=subject.tenant, relationship=subject.about, parent=subject.key)
    return subject


def subject_of_workflow(id: str, kind: str, given: Any) -> Subject | None:
    """What a workflow of a kind and id is about, as the workflow itself would say of its input ``given``."""
    if kind == "relationship":
        instance = relationship_input(id, given)
        return None if instance is None else instance.subject
    return subject_of(id, kind, given)


def workflow_url(ui: str, namespace: str, id: str) -> str:
    """URL of a workflow in Temporal's Web UI; ``ui``: its base URL."""
    return f"{ui.rstrip('/')}/namespaces/{namespace}/workflows/{quote(id, safe='')}"
