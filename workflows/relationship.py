"""One instance of a relationship, for as long as something must be waited for, asked, told or announced."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from activities.relationship import RelationshipActivities as Do
from messages.relationship import (
    RelationshipCarryOver,
    RelationshipInput,
    RelationshipInstance,
    RelationshipProgress,
    RelationshipResult,
    RelationshipStep,
    Situation,
    relationship_input,
)
from messages.search_attributes import ENTITY, OWNER, RELATIONSHIP, STATE
from messages.signals import Nudge, SignalledFact, SignalReport, parse_signal
from workflows.options import ASKING, ASKING_FIRST, NEAR, is_final, owners_queue


@workflow.defn
class RelationshipWorkflow:
    """Waits for signals named after facts. Rows hold what is true: each round reads where the instance stands."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        """Handlers run before ``run``, so all state is here. Anyone may start it, with any input: the id decides."""
        begin = relationship_input(workflow.info().workflow_id, given)
        self._known = begin is not None
        begin = begin or RelationshipInput(tenant="", relationship="", parent="")
        self._instance = RelationshipInstance(tenant=begin.tenant, relationship=begin.relationship, parent=begin.parent)
        self._facts = begin.carried.facts
        self._asked = begin.carried.requested
        self._cause = begin.carried.cause
        self._told: list[SignalledFact] = []
        self._woken = True
        self._asking: asyncio.Task[None] | None = None
        self._situation: Situation | None = None
        self._says = "looking"

    @workflow.signal(dynamic=True)
    def hear(self, name: str, args: Sequence[RawValue]) -> None:
        """Any fact: the dispatcher's word of one in the ledger, or a service's own CloudEvent."""
        self._woken = True
        self._facts += 1
        word = parse_signal(name, args[0].payload.data if args else b"")
        if isinstance(word, Nudge):
            self._cause = word.id or self._cause
        else:
            self._told.append(word)

    @workflow.query
    def progress(self) -> RelationshipProgress:
        """Where it stands, in words."""
        return RelationshipProgress(description=self._says, facts=self._facts, situation=self._situation)

    @workflow.run
    async def run(self, given: Any) -> RelationshipResult:
        """Rounds of: record what was told, proceed, ask, wait; until nothing is lacking and nothing is unread."""
        if not self._known:
            raise ApplicationError(
                "neither the workflow's id nor its input says which instance this is; use the id "
                'tenant/relationship/parent and the input {"tenant": …, "relationship": …, "parent": …}',
                type="Unknown",
                non_retryable=True,
            )
        while True:
            self._woken = False
            await self._record()
            self._make_way()
            situation = await self._proceed()
            self._ask(situation)
            if situation.is_overdue(workflow.now()):
                await self._tell_overdue()
            elif (due := situation.next_due()) is not None:
                await self._wait(situation, due)
            elif await self._may_leave(situation):
                return self._outcome(situation)

    async def _record(self) -> None:
        """Facts that services signalled straight to us go the way of all facts."""
        while self._told:
            told = self._told[:100]
            report = SignalReport(instance=self._instance, facts=told)
            self._cause = await workflow.execute_local_activity_method(Do.record, report, **NEAR) or self._cause
            del self._told[: len(told)]

    def _make_way(self) -> None:
        """Leaves a long history behind. Now, because all that was told is recorded: no input could hold it."""
        if workflow.info().is_continue_as_new_suggested():
            under_way = self._asking is not None and not self._asking.done()
            asked = "" if under_way else self._asked  # what is under way is asked anew, by the same key
            carried = RelationshipCarryOver(facts=self._facts, requested=asked, cause=self._cause)
            workflow.continue_as_new(RelationshipInput(**self._instance.model_dump(), carried=carried))

    async def _proceed(self) -> Situation:
        """All that can be done now: explicit links, the announcement; intents that were read are forgotten."""
        situation: Situation = await workflow.execute_local_activity_method(Do.proceed, self._moment(), **NEAR)
        self._situation = situation
        return situation

    def _ask(self, situation: Situation) -> None:
        """Asks the child's owner once for each life of the parent; the answer is a fact, not a reply."""
        if situation.missing != "child" or not situation.command or situation.due is None:
            return
        if self._asked != situation.incarnation and situation.due > workflow.now():
            self._asked = situation.incarnation
            self._asking = asyncio.create_task(self._command(situation, situation.due))

    async def _command(self, situation: Situation, due: datetime) -> None:
        """Never cancelled: before each attempt the activity sees for itself whether there is anything to ask for."""
        summary = f"{situation.command} at {situation.owner} for {situation.parent_kind} {self._instance.parent}"[:200]
        try:
            await workflow.execute_local_activity_method(Do.ask, self._instance, summary=summary, **ASKING_FIRST)
        except FailureError as error:
            left = due - workflow.now()
            if is_final(error) or left <= timedelta(0) or await self._is_refused(summary, situation.owner, left):
                self._woken = True  # the reason is in the wait's row now, and the deadline stands

    async def _is_refused(self, summary: str, owner: str, within: timedelta) -> bool:
        """Whether an owner that was away at first does not want to, or stays away for too long."""
        try:
            await workflow.execute_activity_method(
                Do.ask,
                self._instance,
                task_queue=owners_queue(owner),
                schedule_to_close_timeout=within,
                summary=summary,
                **ASKING,
            )
        except ActivityError:
            return True
        return False

    async def _wait(self, situation: Situation, due: datetime) -> None:
        """Until a fact comes, or the first deadline."""
        self._show(situation, "waiting")
        left = max(due - workflow.now(), timedelta(milliseconds=1))
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=left)
        except TimeoutError:
            workflow.logger.info("a deadline has passed")

    async def _tell_overdue(self) -> None:
        """Nothing is deleted at the deadline: the debtor is told, and a late fact still completes the link."""
        await workflow.execute_local_activity_method(Do.tell_overdue, self._moment(), **NEAR)

    async def _may_leave(self, situation: Situation) -> bool:
        """Whether all that was heard is read, and all that is in the rows was seen."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        return not (situation.newer or self._woken)

    def _outcome(self, situation: Situation) -> RelationshipResult:
        if situation.missing:
            self._show(situation, "overdue")
            return RelationshipResult(state="overdue", description=self._says)
        self._show(situation, "complete")
        return RelationshipResult(state="complete" if situation.children else "over", description=self._says)

    def _show(self, situation: Situation, state: str) -> None:
        """Tells operators, without their opening a payload. A change costs an event, so what stands is left."""
        self._says = situation.describe(state)
        workflow.set_current_details(self._says)
        shown = workflow.info().typed_search_attributes
        at = self._instance
        wanted = {STATE: state, OWNER: situation.owner, RELATIONSHIP: at.relationship, ENTITY: at.parent[:200]}
        changed = [key.value_set(value) for key, value in wanted.items() if value and shown.get(key) != value]
        if changed:
            workflow.upsert_search_attributes(changed)

    def _moment(self) -> RelationshipStep:
        return RelationshipStep(instance=self._instance, now=workflow.now(), cause=self._cause)
