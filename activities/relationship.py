"""Activities of RelationshipWorkflow. All are idempotent: Temporal may run each of them again after a crash."""

from functools import partial
from typing import Any

import orjson
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.signal_intake import SignalIntake
from activities.support import owner_requests
from activities.support.failures import again, final, later
from catalog.catalog import Catalog
from catalog.owner_request import OwnerRequest
from catalog.relationship import KEY_CHARACTERS, Relationship, as_key
from errors import Refused, Unacceptable, Unavailable
from facts.correlation import encode
from facts.own_facts import derived_id
from facts.validation import check_text
from gateways import answers
from gateways.answers import Step
from gateways.owners import Owners
from messages.relationship import RelationshipInstance, RelationshipStep, Situation
from messages.signals import SignalReport
from store.db.pool import Pool
from store.operations import links, overdue, relationship_status
from store.operations.relationship_status import FirstRequest, RelationshipStatus


class RelationshipActivities:
    """``signal_intake`` records signalled facts; ``owners`` receive requests for children."""

    def __init__(self, pool: Pool, catalog: Catalog, signal_intake: SignalIntake, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._signal_intake = signal_intake
        self._owners = owners

    @activity.defn(name="record")
    async def record(self, report: SignalReport) -> str | None:
        """Records facts that services signalled; returns the id of the last one that was accepted."""
        try:
            return await self._signal_intake.record(report)
        except Refused as error:
            raise final(error) from None

    @activity.defn(name="proceed")
    async def proceed(self, at: RelationshipStep) -> Situation:
        """Does what can be done now, and returns the situation after it.

        Explicit links and unlinks that can be ended are. If nothing is left to wait for, a complete link is announced,
        and the outbox rows that were taken into account are deleted.
        """
        relationship = self._relationship(at.instance)
        tenant, parent = at.instance.tenant, at.instance.parent
        status = await relationship_status.look_and_register(self._pool, tenant, relationship, parent)
        if status.operations_due is not None:
            await links.finish_ready(self._pool, self._catalog, tenant, relationship, parent)
            status = await relationship_status.look_and_register(self._pool, tenant, relationship, parent)
        newer = not status.waits and await relationship_status.conclude(
            self._pool, self._catalog, tenant, relationship, parent, status, at.cause
        )
        reached = await self._follow_paths(at.instance, relationship, status)
        return self._situation(relationship, parent, status, newer, reached)

    @activity.defn(name="ask")
    async def request_child(self, instance: RelationshipInstance) -> None:
        """Sends the child's owner a request for the missing child, if there is still one to request.

        A refusal is final; a request to an unavailable owner is retried, one that its owner contradicts some times.
        Each is stored as the wait's last error, with the owner's words.
        """
        relationship = self._relationship(instance)
        look = partial(relationship_status.look, self._pool, instance.tenant, relationship, instance.parent)
        status = await look()
        requested = relationship.requested
        if requested is None or status.missing != "child" or status.parent is None:
            return
        reached = await self._follow_paths(instance, relationship, status)
        if reached is None:
            return
        fields = {name: status.parent.get(of) for name, of in requested.plain.items()} | reached
        first = self._first_request(relationship, instance.parent, status, reached)
        if status.requested != first and not await relationship_status.remember_request(
            self._pool, instance.tenant, relationship.name, instance.parent, first, status
        ):
            await self.request_child(instance)  # by another look: the wait of the first has ended since
            return

        async def still_missing() -> bool:
            # By what would be requested now, as the workflow does: children of other requests may have come and gone.
            now = await look()
            return now.missing == "child" and self._first_request(relationship, instance.parent, now, reached) == first

        of = instance.tenant, relationship.name, instance.parent, status.incarnation
        key = derived_id("ask", *of, *(reached[name] for name in sorted(reached)), *_after_last(first))
        try:
            request = OwnerRequest(
                tenant=instance.tenant,
                owner=status.owner,
                command=requested.command.model_validate(fields),
                idempotency_key=key,
                correlation=first.correlation,
                causation=f"{relationship.parent}/{instance.parent}",
            )
            if not await owner_requests.send(self._pool, self._owners, request, still_missing):
                return
        except (Unavailable, Refused) as error:
            raise await self._failed(instance, error) from None
        except ValueError as error:  # the command cannot be made of these fields
            await self._set_last_error(instance, str(error))
            raise final(error) from None
        if status.last_error or status.missing_links:
            await self._set_last_error(instance, "")

    @activity.defn(name="tell_overdue")  # former name
    async def notify_overdue(self, at: RelationshipStep) -> bool:
        """Publishes RelationshipOverdue once; returns whether this call did."""
        relationship = self._relationship(at.instance)
        tenant, parent = at.instance.tenant, at.instance.parent
        return await overdue.notify(self._pool, self._catalog, tenant, relationship, parent)

    async def _follow_paths(
        self, instance: RelationshipInstance, relationship: Relationship, status: RelationshipStatus
    ) -> dict[str, str] | None:
        """Follows the command's ``Through`` paths: field → key. None if a link on a path is missing; that is stored
        with the wait."""
        if status.missing != "child" or not relationship.through:
            return {}
        reached = await relationship_status.follow_paths(
            self._pool, instance.tenant, self._catalog, relationship, instance.parent
        )
        missing = sorted({relationship.through[name].down for name, key in reached.items() if key is None})
        if missing:
            if status.missing_links != missing:
                await relationship_status.set_missing_links(self._pool, instance, missing)
            return None
        return {name: key for name, key in reached.items() if key is not None}

    async def _failed(self, instance: RelationshipInstance, error: Unavailable | Refused) -> ApplicationError:
        """Stores why an attempt failed as the wait's last error; returns the error to raise."""
        what_next = answers.step("counterpart", error)
        if what_next in (Step.LIMITED, Step.RENEW):
            count = await relationship_status.count_contradiction(
                self._pool, instance.tenant, instance.relationship, instance.parent, str(error)
            )
            return again(error, answers.pause(count)) if count < answers.ATTEMPTS else final(error)
        await self._set_last_error(instance, str(error))
        return later(error) if isinstance(error, Unavailable) else final(error)

    async def _set_last_error(self, instance: RelationshipInstance, text: str) -> None:
        await relationship_status.set_last_error(self._pool, instance, text)

    def _relationship(self, instance: RelationshipInstance) -> Relationship:
        """The declaration in force. Fails the workflow if there is none, or the parent's key is impossible."""
        try:
            check_text((instance.tenant, instance.parent))
            if as_key(instance.parent) is None:
                raise Unacceptable(f"parent must be a text of 1 to {KEY_CHARACTERS} characters")
            return self._catalog.relationship(instance.relationship)
        except Refused as error:
            raise final(error) from None

    def _situation(
        self,
        relationship: Relationship,
        parent: str,
        status: RelationshipStatus,
        newer: bool,
        reached: dict[str, str] | None,
    ) -> Situation:
        missing: Any = status.missing
        first = self._first_request(relationship, parent, status, reached or {})
        requested = relationship.requested
        kind = {"parent": relationship.parent, "child": relationship.child}.get(missing, "")
        return Situation(
            revision=status.revision,
            parent_kind=relationship.parent,
            child_kind=relationship.child,
            missing=missing,
            owner=status.owner,
            awaited_fact=self._catalog.contracts.created_fact(kind),
            waiting_since=status.waiting_since,
            due=status.due,
            overdue_notified=status.overdue_notified,
            last_error=status.last_error,
            missing_links=status.missing_links,
            command=requested.command.__name__ if requested is not None and reached is not None else "",
            incarnation="/".join((status.incarnation, *(reached or {}).values(), *map(str, _after_last(first)))),
            operations_due=status.operations_due,
            children=status.children,
            newer=newer,
            now=status.now,
        )

    def _first_request(
        self, relationship: Relationship, parent: str, status: RelationshipStatus, reached: dict[str, str]
    ) -> FirstRequest:
        """What the child is requested for: what it was first requested for, unless that was for another incarnation of
        the parent, or with other keys of ``Through`` paths (``reached``).

        Where sequences of the parent begin again, its creation has no place that lasts: facts that arrive late may put
        further restarts before it. So the child is not requested for one incarnation.
        """
        purpose = orjson.dumps((status.incarnation, *(reached[name] for name in sorted(reached)))).decode()
        if status.requested is not None and status.requested.purpose == purpose:
            return status.requested
        created = None if relationship.parent in self._catalog.restarting else status.created or None
        return FirstRequest(purpose, status.left_at, encode(relationship.name, parent, created))


def _after_last(request: FirstRequest) -> tuple[int, ...]:
    return () if request.left_at is None else (request.left_at,)
