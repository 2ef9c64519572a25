"""The side effects of a RelationshipWorkflow. Each is idempotent: it may run again after any crash."""

from typing import Any

from temporalio import activity

from activities.support import owner_requests
from activities.support.failures import final, later
from activities.support.signal_intake import SignalIntake
from catalog.catalog import Catalog
from catalog.owner_request import OwnerRequest
from catalog.relationship import KEY_LENGTH, Relationship, as_key
from errors import Refused, Unacceptable, Unavailable
from facts.correlation import encode
from facts.own_facts import derived_id
from facts.validation import check_text
from gateways.owners import Owners
from messages.relationship import RelationshipInstance, RelationshipStep, Situation
from messages.signals import SignalReport
from store.db.pool import Pool
from store.operations import links, relationship_status
from store.operations.relationship_status import Standing


class RelationshipActivities:
    """``signal_intake`` records facts; ``owners`` are asked for counterparts."""

    def __init__(self, pool: Pool, catalog: Catalog, signal_intake: SignalIntake, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._signal_intake = signal_intake
        self._owners = owners

    @activity.defn(name="record")
    async def record(self, report: SignalReport) -> str | None:
        """Records facts that services signalled; returns the id of the last one that was taken."""
        try:
            return await self._signal_intake.record(report)
        except Refused as error:
            raise final(error) from None

    @activity.defn(name="proceed")
    async def proceed(self, at: RelationshipStep) -> Situation:
        """Does what can be done now, and says where the instance stands then.

        Explicit links and unlinks are ended, one way or the other. If nothing is to be waited for, what is
        complete is announced, and the intents that were read are forgotten.
        """
        relationship = self._relationship(at.instance)
        tenant, parent = at.instance.tenant, at.instance.parent
        standing = await relationship_status.look(self._pool, tenant, relationship, parent)
        if standing.operations_due is not None:
            await links.operate(self._pool, self._catalog, tenant, relationship, parent, at.now)
            standing = await relationship_status.look(self._pool, tenant, relationship, parent)
        newer = not standing.waits and await relationship_status.conclude(
            self._pool, self._catalog, tenant, relationship, parent, standing, at.cause
        )
        led = await self._led(at.instance, relationship, standing)
        return self._situation(relationship, standing, newer, led)

    @activity.defn(name="ask")
    async def ask(self, instance: RelationshipInstance) -> None:
        """Asks the child's owner for a counterpart. Refusals are final and are noted; else it is tried again."""
        relationship = self._relationship(instance)
        standing = await relationship_status.look(self._pool, instance.tenant, relationship, instance.parent)
        asked = relationship.requested
        if asked is None or standing.lacks != "child" or standing.parent is None:
            return
        led = await self._led(instance, relationship, standing)
        if led is None:
            return
        fields = {name: standing.parent.get(of) for name, of in asked.plain.items()} | led
        of = instance.tenant, relationship.name, instance.parent, standing.incarnation
        anew = () if standing.left_at is None else (standing.left_at,)
        key = derived_id("ask", *of, *(led[name] for name in sorted(led)), *anew)
        try:
            request = OwnerRequest(
                tenant=instance.tenant,
                owner=standing.debtor,
                command=asked.command.model_validate(fields),
                idempotency_key=key,
                correlation=encode(relationship.name, instance.parent),
                causation=f"{relationship.parent}/{instance.parent}",
            )
            await owner_requests.send(self._pool, self._owners, request)
        except Unavailable as error:
            await self._note(instance, str(error))
            raise later(error) from None
        except (Refused, ValueError) as error:
            await self._note(instance, str(error))
            raise final(error) from None
        if standing.note:
            await self._note(instance, "")

    @activity.defn(name="tell_overdue")
    async def tell_overdue(self, at: RelationshipStep) -> bool:
        """Tells, once, that the deadline has passed."""
        relationship = self._relationship(at.instance)
        tenant, parent = at.instance.tenant, at.instance.parent
        return await relationship_status.tell_overdue(self._pool, self._catalog, tenant, relationship, parent, at.now)

    async def _led(
        self, instance: RelationshipInstance, relationship: Relationship, standing: Standing
    ) -> dict[str, str] | None:
        """What other relationships lead to, where the command needs it; None: they do not yet, and that is noted."""
        if standing.lacks != "child" or not relationship.through:
            return {}
        led = await relationship_status.led(self._pool, instance.tenant, self._catalog, relationship, instance.parent)
        lacking = {relationship.through[name].down for name, reached in led.items() if reached is None}
        if lacking:
            note = f"{' and '.join(sorted(lacking))} comes first"
            if standing.note != note:
                await self._note(instance, note)
            return None
        return {name: reached for name, reached in led.items() if reached is not None}

    async def _note(self, instance: RelationshipInstance, text: str) -> None:
        await relationship_status.note(self._pool, instance.tenant, instance.relationship, instance.parent, text)

    def _relationship(self, instance: RelationshipInstance) -> Relationship:
        """The declaration in force. What can be no instance of it ends the workflow."""
        try:
            check_text((instance.tenant, instance.parent))
            if as_key(instance.parent) is None:
                raise Unacceptable(f"parent must be a text of 1 to {KEY_LENGTH} characters")
            return self._catalog.relationship(instance.relationship)
        except Refused as error:
            raise final(error) from None

    def _situation(
        self, relationship: Relationship, standing: Standing, newer: bool, led: dict[str, str] | None
    ) -> Situation:
        lacks: Any = standing.lacks
        anew = () if standing.left_at is None else (str(standing.left_at),)
        asked = relationship.requested
        kind = {"parent": relationship.parent, "child": relationship.child}.get(lacks, "")
        return Situation(
            revision=standing.revision,
            parent_kind=relationship.parent,
            child_kind=relationship.child,
            missing=lacks,
            owner=standing.debtor,
            awaited_fact=self._catalog.contracts.created_fact(kind),
            waiting_since=standing.since,
            due=standing.due,
            overdue_notified=standing.told,
            last_error=standing.note,
            command=asked.command.__name__ if asked is not None and led is not None else "",
            incarnation="/".join((standing.incarnation, *(led or {}).values(), *anew)),
            operations_due=standing.operations_due,
            children=standing.children,
            newer=newer,
        )
