"""One instance of a relationship, for as long as it waits, sends a request, or has something to publish."""

from datetime import datetime
from typing import Any

from temporalio import workflow

from activities.relationship import RelationshipActivities as Activities
from messages.relationship import (
    RelationshipInstance,
    RelationshipResult,
    RelationshipStep,
    Situation,
    relationship_input,
)
from workflows.activity_options import DATABASE
from workflows.base import FactWorkflow, RequestTask


@workflow.defn
class RelationshipWorkflow(FactWorkflow):
    """Requests the missing child, waits for facts until the deadline, and publishes what is overdue or complete."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__("relationship", relationship_input(workflow.info().workflow_id, given))
        at = self._subject
        self._instance = RelationshipInstance(tenant=at.tenant, relationship=at.about, parent=at.key)

    @workflow.run
    async def run(self, given: Any) -> RelationshipResult:
        """Repeats: record signalled facts, proceed, request, wait; until nothing is missing and no fact is unread."""
        self._check_subject()
        while True:
            await self._begin_round()
            situation = await self._proceed()
            self._request_child(situation)
            if situation.is_overdue(self._now()):
                await self._publish_overdue()
            elif (due := situation.next_due()) is not None:
                await self._wait_for_facts(situation, due)
            elif await self._may_end(situation.newer):
                return self._end(situation)

    def _signalled_to(self) -> RelationshipInstance:
        return self._instance

    async def _proceed(self) -> Situation:
        """Does what can be done now: ends explicit links, publishes the announcement, deletes outbox rows."""
        situation: Situation = await workflow.execute_local_activity_method(
            Activities.proceed, self._step(), **DATABASE
        )
        self._status = situation
        self._set_clock(situation.now)
        return situation

    def _request_child(self, situation: Situation) -> None:
        """Sends the child's owner a request before the deadline, once for each incarnation of the parent."""
        if situation.missing != "child" or not situation.command or situation.due is None:
            return
        if situation.due > self._now():
            parent = f"{situation.parent_kind} {self._instance.parent}"
            request = RequestTask(
                Activities.request_child,
                self._instance,
                owner=situation.owner,
                summary=f"{situation.command} at {situation.owner} for {parent}",
                due=situation.due,
            )
            self._request_once(situation.incarnation, request)

    async def _publish_overdue(self) -> None:
        """Publishes RelationshipOverdue. Nothing is deleted: a late fact still completes the link."""
        await workflow.execute_local_activity_method(Activities.notify_overdue, self._step(), **DATABASE)

    async def _wait_for_facts(self, situation: Situation, due: datetime) -> None:
        self._show_situation(situation, "waiting")
        await self._wait_until(due)

    def _end(self, situation: Situation) -> RelationshipResult:
        """The result, when nothing is left to wait for."""
        if situation.missing:
            self._show_situation(situation, "overdue")
            return RelationshipResult(state="overdue", description=self._description)
        self._show_situation(situation, "complete")
        return RelationshipResult(state="complete" if situation.children else "over", description=self._description)

    def _show_situation(self, situation: Situation, state: str) -> None:
        self._show(situation.describe(state), state, self._instance.relationship, situation.owner)

    def _step(self) -> RelationshipStep:
        return RelationshipStep(instance=self._instance, cause=self._cause)
