"""What the workflows of operations have in common: they hear any fact, and look at the rows when they do."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, FailureError

from activities.relationship import RelationshipActivities
from messages.operations import (
    OperationCarryOver,
    OperationInput,
    OperationProgress,
    OperationRequest,
    OperationResult,
    OperationStatus,
    OperationStep,
    operation_input,
)
from messages.relationship import RelationshipInstance
from messages.search_attributes import ENTITY, OWNER, RELATIONSHIP, STATE
from messages.signals import Nudge, SignalledFact, SignalReport, parse_signal
from messages.workflow_ids import Subject
from workflows.options import ASKING, ASKING_FIRST, NEAR, is_final, owners_queue


class Listener:
    """Rows hold what is true: each round looks at where things stand. Anyone may start it, with any input: its id
    decides what it is about."""

    def __init__(self, kind: str, given: Any) -> None:
        begin = operation_input(workflow.info().workflow_id, kind, given)
        self._known = begin is not None
        begin = begin or OperationInput(tenant="", workflow=kind, about="", key="")
        self._subject = Subject(**begin.model_dump(exclude={"carried"}))
        self._carried = begin.carried
        self._facts = begin.carried.facts
        self._asked = begin.carried.requested
        self._asking: asyncio.Task[None] | None = None
        self._told: list[SignalledFact] = []
        self._woken = True
        self._standing: OperationStatus | None = None
        self._says = "looking"
        self._last = ""

    @workflow.signal(dynamic=True)
    def hear(self, name: str, args: Sequence[RawValue]) -> None:
        """Any fact: the dispatcher's word of one in the ledger, or a service's own CloudEvent."""
        self._woken = True
        self._facts += 1
        word = parse_signal(name, args[0].payload.data if args else b"")
        if not isinstance(word, Nudge):
            self._told.append(word)

    @workflow.query
    def progress(self) -> OperationProgress:
        """Where it stands, in words."""
        return OperationProgress(
            description=self._says, facts=self._facts, runs=self._carried.runs, status=self._standing
        )

    def _check(self) -> None:
        """Ends a workflow that nobody can know the subject of."""
        if not self._known:
            workflow_kind = self._subject.workflow
            raise ApplicationError(
                "neither the workflow's id nor its input says what this is about; use the id "
                f"tenant/{workflow_kind}/about/key",
                type="Unknown",
                non_retryable=True,
            )

    async def _begin_round(self) -> None:
        """Facts that services signalled straight to us go the way of all facts; then a long history is left behind."""
        self._woken = False
        at = self._subject
        instance = RelationshipInstance(
            tenant=at.tenant, relationship="", parent=at.key
        )  # of none: they say nothing of links
        while self._told:
            told = self._told[:100]
            report = SignalReport(instance=instance, facts=told)
            await workflow.execute_local_activity_method(RelationshipActivities.record, report, **NEAR)
            del self._told[: len(told)]
        if workflow.info().is_continue_as_new_suggested():
            await workflow.wait_condition(workflow.all_handlers_finished)
            if not self._told:
                self._make_way()

    def _make_way(self) -> None:
        under_way = self._asking is not None and not self._asking.done()
        asked = "" if under_way else self._asked  # what is under way is asked anew, by the same key
        carried = OperationCarryOver(facts=self._facts, requested=asked, runs=self._carried.runs + 1)
        workflow.continue_as_new(OperationInput(**self._subject.model_dump(), carried=carried))

    async def _look(self, activity: Any) -> OperationStatus:
        """Where things stand: all that can be ended is, and intents that were read are forgotten."""
        look = OperationStep(subject=self._subject, now=workflow.now())
        standing: OperationStatus = await workflow.execute_local_activity_method(activity, look, **NEAR)
        self._standing = standing
        self._last = standing.operation or self._last
        return standing

    def _ask(self, activity: Any, standing: OperationStatus) -> None:
        """Asks the owner once for each operation; the answer is a fact, not a reply."""
        if standing.command and self._asked != standing.operation:
            self._asked = standing.operation
            self._asking = asyncio.create_task(self._command(activity, standing))

    async def _command(self, activity: Any, standing: OperationStatus) -> None:
        """Never cancelled: before each attempt the activity sees for itself whether there is anything to ask for."""
        ask = OperationRequest(subject=self._subject, operation=standing.operation)
        summary = f"{standing.command} at {standing.owner} for {self._subject.key}"[:200]
        left = standing.due - workflow.now() if standing.due is not None else None
        try:
            try:
                await workflow.execute_local_activity_method(activity, ask, summary=summary, **ASKING_FIRST)
            except FailureError as error:
                if is_final(error) or (left is not None and left <= timedelta(0)):
                    raise
                self._woken = True  # the owner is away: why is in the operation's row, and is to be shown
                await workflow.execute_activity_method(
                    activity,
                    ask,
                    task_queue=owners_queue(standing.owner),
                    schedule_to_close_timeout=left,
                    summary=summary,
                    **ASKING,
                )
        except FailureError:
            self._woken = True  # the reason is in the operation's row now

    async def _wait(self, until: datetime | None) -> bool:
        """Until something is heard, or until a time; whether it was heard."""
        left = None if until is None else max(until - workflow.now(), timedelta(milliseconds=1))
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=left, timeout_summary=self._says[:200])
        except TimeoutError:
            return False
        return True

    async def _may_leave(self, standing: OperationStatus) -> bool:
        """Whether all that was heard is read, and all that is in the rows was seen."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        return not (standing.newer or self._woken or self._told)

    def _over(self) -> OperationResult:
        """Nothing is under way any more."""
        last = f"over; operation {self._last} says what came of it"
        self._show(last if self._last else "nothing is under way", "complete")
        return OperationResult(description=self._says)

    def _show(self, says: str, state: str, relationship: str = "", owner: str = "") -> None:
        """Tells operators, without their opening a payload. A change costs an event, so what stands is left."""
        if says != self._says:
            self._says = says
            workflow.set_current_details(says)
        shown = workflow.info().typed_search_attributes
        wanted = {STATE: state, OWNER: owner, RELATIONSHIP: relationship, ENTITY: self._subject.key[:200]}
        changed = [key.value_set(value) for key, value in wanted.items() if value and shown.get(key) != value]
        if changed:
            workflow.upsert_search_attributes(changed)
