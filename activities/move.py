"""Activities of MoveWorkflow. All are idempotent: each may run again after a crash."""

from functools import partial

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.support import owner_requests
from activities.support.failures import again, final, later
from activities.support.missing_declaration import hold, postpone, reason
from catalog.catalog import Catalog
from catalog.command_mapping import filled, varies
from catalog.owner_request import OwnerRequest
from catalog.relationship import Relationship
from errors import Refused, Unavailable
from facts.correlation import encode_operation
from facts.own_facts import derived_id
from gateways import answers
from gateways.answers import Step
from gateways.owners import Owners
from messages.operation_reasons import EndReason
from messages.operations import OperationRequest, OperationStatus, OperationStep
from messages.workflow_ids import Subject
from store.db.pool import Pool
from store.operations import moves, stuck
from store.operations.moves import MoveRequest
from store.operations.operations import Impossible


class MoveActivities:
    """Reads, advances and ends moves. ``owners`` receive the requests to move a child."""

    def __init__(self, pool: Pool, catalog: Catalog, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._owners = owners

    @activity.defn(name="look_at_moves")
    async def look_at_moves(self, look: OperationStep) -> OperationStatus:
        """Ends the moves of a child that can be ended, and returns the status of the one under way."""
        at = look.subject
        relationship = self._declared(at)
        if relationship is None or relationship.move is None:
            return await hold(self._pool, look, f"a command that moves by {at.about}")
        status = await moves.advance(self._pool, at.tenant, relationship, at.key)
        row = status.operation
        if row is None:
            return OperationStatus(newer=status.newer, now=status.now)
        owner = self._catalog.owner_of(relationship.child)
        fact = f"a fact from {owner} that {relationship.child} {at.key} is in {relationship.parent} {row.parent}"
        return OperationStatus(
            operation=row.id,
            kind="move",
            command=relationship.move.__name__ if status.requested else "",
            owner=owner if status.requested else self._catalog.owner_of(relationship.parent),
            awaited=status.missing or fact,
            due=row.due,
            reason=await reason(self._pool, row),
            now=status.now,
        )

    @activity.defn(name="ask_to_move")
    async def request_move(self, step: OperationRequest) -> None:
        """Sends the child's owner the command that moves it, unless the operation has ended meanwhile.

        A refusal ends the operation; a request to an unavailable owner is retried, one that its owner contradicts some
        times: the fact that explains it may be on its way.
        """
        tenant = step.subject.tenant
        relationship = self._declared(step.subject)
        if relationship is None or relationship.move is None or relationship.parameter is None:
            raise await postpone(self._pool, step, f"a command that moves by {step.subject.about}")
        find_pending = partial(moves.pending_request, self._pool, tenant, relationship, step.operation)
        pending = None
        try:
            pending = await find_pending()
            if pending is None:
                return
            child, target = pending.child, (relationship.parameter, pending.target)
            request = OwnerRequest(
                tenant=tenant,
                owner=self._catalog.owner_of(relationship.child),
                command=filled(
                    relationship.move, child.key, child.data, expected_parent=pending.expected_parent, target=target
                ),
                idempotency_key=derived_id("move", tenant, step.operation, child.key, *pending.renewal),
                correlation=encode_operation(step.operation),
                causation=step.operation,
                varies=varies(relationship.move, relationship.parameter),
            )
            if not await owner_requests.send(self._pool, self._owners, request, find_pending):
                return
        except Impossible as error:
            await moves.refuse(self._pool, tenant, step.operation, error.reason)
            raise final(error) from None
        except (Unavailable, Refused) as error:
            raise await self._failed(step, relationship, pending, error) from None
        await stuck.owner_accepted(self._pool, tenant, step.operation)

    async def _failed(
        self, step: OperationRequest, relationship: Relationship, sent: MoveRequest | None, error: Unavailable | Refused
    ) -> ApplicationError:
        """Stores why an attempt failed, and ends the move if that was final; returns the error to raise.

        ``sent``: the request; None: there was none, and no owner has answered.
        """
        tenant, text = step.subject.tenant, str(error)
        what_next = answers.step("move", error)
        if isinstance(error, Unavailable):
            await stuck.owner_failed(self._pool, tenant, step.operation, text)
            return later(error)
        if what_next is not Step.REFUSE and sent is not None:
            count = await stuck.owner_contradicted(self._pool, tenant, step.operation, text)
            if count < answers.ATTEMPTS:
                outdated = what_next is Step.RENEW
                await moves.renew(self._pool, tenant, relationship, step.operation, sent, outdated=outdated)
                return again(error, answers.pause(count))
        await moves.refuse(self._pool, tenant, step.operation, EndReason("request_refused"), text)
        return final(error)

    def _declared(self, at: Subject) -> Relationship | None:
        return self._catalog.relationships.get(at.about)
