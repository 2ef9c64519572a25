"""What all workflows have in common: signals, the query, requests to owners, and what Temporal's Web UI shows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, FailureError

from activities.relationship import RelationshipActivities
from messages import shortened
from messages.base import Message
from messages.operations import OperationInput
from messages.progress import CarryOver, Progress
from messages.relationship import RelationshipInput, RelationshipInstance
from messages.search_attributes import ENTITY, OWNER, RELATIONSHIP, STATE
from messages.signals import Nudge, SignalledFact, SignalReport, parse_signal
from messages.workflow_ids import Subject, how_to_name
from workflows.activity_options import DATABASE, OWNER_FIRST, OWNER_REPEATED, is_final, owners_queue

_REPORT = 100
"""Signalled facts that are recorded together."""


@dataclass(frozen=True)
class RequestTask:
    """A request to an owner. ``activity`` sends it, given ``argument``; it is repeated until ``due``, if set."""

    activity: Any
    argument: Message
    owner: str
    summary: str
    due: datetime | None


class FactWorkflow:
    """Waits for facts about one subject. Rows hold what is true: each round reads them and does what they say.

    Anyone may start it, with any input: the workflow's id decides what it is about. Signal handlers run before ``run``,
    so that all state is made in ``__init__``.
    """

    def __init__(self, kind: str, given: RelationshipInput | OperationInput | None) -> None:
        """``kind``: as in ``Subject.workflow``. ``given``: None if neither the id nor the input names a subject."""
        self._given = given
        self._subject = given.subject if given is not None else Subject(tenant="", workflow=kind, about="", key="")
        carried = given.carried if given is not None else CarryOver()
        self._facts = carried.facts
        self._runs = carried.runs
        self._requested = carried.requested
        self._cause = carried.cause
        self._request: asyncio.Task[None] | None = None
        self._signalled: list[SignalledFact] = []
        self._woken = True
        self._status: Message | None = None
        self._description = "looking"
        self._database_ahead = timedelta(0)

    @workflow.signal(dynamic=True)
    def receive(self, name: str, args: Sequence[RawValue]) -> None:
        """Takes any signal: the dispatcher's nudge about a fact in the ledger, or a service's own CloudEvent."""
        self._woken = True
        self._facts += 1
        signal = parse_signal(name, args[0].payload.data if args else b"")
        if isinstance(signal, Nudge):
            self._cause = signal.id or self._cause
        else:
            self._signalled.append(signal)

    @workflow.query
    def progress(self) -> Progress:
        """What it does or waits for."""
        return Progress(description=self._description, facts=self._facts, runs=self._runs, status=self._status)

    def _check_subject(self) -> None:
        """Fails the workflow if it is not known what it is about."""
        if self._given is None:
            raise ApplicationError(
                "neither the workflow's id nor its input says what it is about; use "
                + how_to_name(self._subject.workflow),
                type="Unknown",
                non_retryable=True,
            )

    async def _begin_round(self) -> None:
        """Records the facts that services signalled, and continues as new if the history has grown long."""
        self._woken = False
        while self._signalled:
            facts = self._signalled[:_REPORT]
            report = SignalReport(instance=self._signalled_to(), facts=facts)
            record = RelationshipActivities.record
            self._cause = await workflow.execute_local_activity_method(record, report, **DATABASE) or self._cause
            del self._signalled[: len(facts)]
        if workflow.info().is_continue_as_new_suggested():
            self._continue_as_new()

    def _signalled_to(self) -> RelationshipInstance:
        """The instance that signalled facts may be linked to; without a relationship they link nothing."""
        return RelationshipInstance(tenant=self._subject.tenant, relationship="", parent=self._subject.key)

    def _continue_as_new(self) -> None:
        """Signalled facts are recorded by now: no input could hold them."""
        assert self._given is not None
        unfinished = self._request is not None and not self._request.done()
        carried = CarryOver(
            facts=self._facts,
            requested="" if unfinished else self._requested,  # the next run repeats it, by the same Idempotency-Key
            cause=self._cause,
            runs=self._runs + 1,
        )
        workflow.continue_as_new(self._given.model_copy(update={"carried": carried}))

    def _request_once(self, reason: str, request: RequestTask) -> None:
        """Sends a request in the background, unless the last one had the same ``reason``.

        The owner's answer is a fact, not the reply. The request is never cancelled: before each attempt the activity
        reads whether it is still to be sent.
        """
        if self._requested != reason:
            self._requested = reason
            self._request = asyncio.create_task(self._send(request))

    async def _send(self, request: RequestTask) -> None:
        """Sends a request. If it fails for good, that is in a row by now, and the next round is to show it."""
        try:
            await workflow.execute_local_activity_method(
                request.activity, request.argument, summary=shortened.summary(request.summary), **OWNER_FIRST
            )
        except FailureError as error:
            left = request.due - self._now() if request.due is not None else None
            if is_final(error) or (left is not None and left <= timedelta(0)) or not await self._repeat(request, left):
                self._woken = True

    async def _repeat(self, request: RequestTask, within: timedelta | None) -> bool:
        """Repeats a request on its owner's task queue; False if it is refused, or not answered in time."""
        self._owner_is_unavailable()
        try:
            await workflow.execute_activity_method(
                request.activity,
                request.argument,
                task_queue=owners_queue(request.owner),
                schedule_to_close_timeout=within,
                summary=shortened.summary(request.summary),
                **OWNER_REPEATED,
            )
        except FailureError:
            return False
        return True

    def _owner_is_unavailable(self) -> None:
        """Called once, when the first attempt of a request has failed and it will be repeated."""

    def _set_clock(self, database: datetime | None) -> None:
        """Takes over the database's clock as a look has read it; None: an earlier version, which read none.

        Deadlines are in the database's time, and its clock alone decides whether one has passed. That of Temporal only
        measures how long to sleep: a timer that runs early leads to another look, and to sleep for what is left.
        """
        self._database_ahead = timedelta(0) if database is None else database - workflow.now()

    def _now(self) -> datetime:
        """The database's time, as far as the workflow knows: as of the last look, and what has passed since."""
        return workflow.now() + self._database_ahead

    async def _wait_until(self, due: datetime | None) -> None:
        """Waits for a signal, or until a deadline; None: for a signal only."""
        await self._wait(None if due is None else due - self._now())

    async def _wait(self, duration: timedelta | None) -> bool:
        """Waits for a signal, at most for this long; returns whether a signal came."""
        timeout = None if duration is None else max(duration, timedelta(milliseconds=1))
        try:
            await workflow.wait_condition(
                lambda: self._woken, timeout=timeout, timeout_summary=shortened.summary(self._description)
            )
        except TimeoutError:
            return False
        return True

    async def _may_end(self, newer: bool) -> bool:
        """Whether every signal was taken into account. ``newer``: whether the rows say that there are newer facts."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        return not (newer or self._woken)

    @property
    def _shown_entity(self) -> str:
        """The key by which people find the workflow."""
        return self._subject.key

    def _show(self, description: str, state: str, relationship: str = "", owner: str = "") -> None:
        """Shows where it is in Temporal's Web UI. A changed attribute costs an event, so equal ones are left out."""
        if description != self._description:
            self._description = description
            workflow.set_current_details(description)
        shown = workflow.info().typed_search_attributes
        wanted = {
            STATE: state,
            OWNER: shortened.attribute(owner),
            RELATIONSHIP: shortened.attribute(relationship),
            ENTITY: shortened.entity(self._shown_entity),
        }
        changed = [key.value_set(value) for key, value in wanted.items() if value and shown.get(key) != value]
        if changed:
            workflow.upsert_search_attributes(changed)
