"""The side effects of a MoveWorkflow. Each is idempotent: it may run again after any crash."""

from temporalio import activity

from activities.support import owner_requests
from activities.support.failures import final, later
from activities.support.orphaned import hold, put_off, reason
from catalog.catalog import Catalog
from catalog.command_mapping import filled, varies
from catalog.owner_request import OwnerRequest
from catalog.relationship import Relationship
from errors import Refused, Unavailable
from facts.correlation import encode_operation
from facts.own_facts import derived_id
from gateways.owners import Owners
from messages.operation_reasons import EndReason
from messages.operations import OperationRequest, OperationStatus, OperationStep
from messages.workflow_ids import Subject
from store.db.pool import Pool
from store.operations import moves, stuck
from store.operations.operations import Impossible


class MoveActivities:
    """``owners`` are asked to move what is theirs."""

    def __init__(self, pool: Pool, catalog: Catalog, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._owners = owners

    @activity.defn(name="look_at_moves")
    async def look_at_moves(self, look: OperationStep) -> OperationStatus:
        """Ends the moves that can be ended, and says which is under way."""
        at = look.subject
        relationship = self._declared(at)
        if relationship is None or relationship.move is None:
            return await hold(self._pool, look, f"a command that moves by {at.about}")
        status = await moves.advance(self._pool, at.tenant, relationship, at.key, look.now)
        row = status.operation
        if row is None:
            return OperationStatus(newer=status.newer)
        owner = self._catalog.owner_of(relationship.child)
        fact = f"{relationship.child} {at.key} to be told in {relationship.parent} {row.parent} by {owner}"
        return OperationStatus(
            operation=row.id,
            kind="move",
            command=relationship.move.__name__ if status.requested else "",
            owner=owner if status.requested else self._catalog.owner_of(relationship.parent),
            awaited=status.missing or fact,
            due=row.due,
            reason=await reason(self._pool, row),
        )

    @activity.defn(name="ask_to_move")
    async def ask_to_move(self, ask: OperationRequest) -> None:
        """Asks the child's owner. A refusal ends the operation; else it is tried again."""
        tenant = ask.subject.tenant
        relationship = self._declared(ask.subject)
        if relationship is None or relationship.move is None or relationship.field is None:
            raise await put_off(self._pool, ask, f"a command that moves by {ask.subject.about}")
        try:
            wanted = await moves.pending_request(self._pool, tenant, relationship, ask.operation)
            if wanted is None:
                return
            child, target = wanted.child, (relationship.field, wanted.target)
            request = OwnerRequest(
                tenant=tenant,
                owner=self._catalog.owner_of(relationship.child),
                command=filled(
                    relationship.move, child.key, child.data, expected_parent=wanted.expected_parent, target=target
                ),
                idempotency_key=derived_id("move", tenant, ask.operation, child.key),
                correlation=encode_operation(ask.operation),
                causation=ask.operation,
                varies=varies(relationship.move, relationship.field),
            )
            await owner_requests.send(self._pool, self._owners, request)
        except Unavailable as error:
            await stuck.owner_failed(self._pool, tenant, ask.operation, str(error))
            raise later(error) from None
        except Impossible as error:
            await moves.refuse(self._pool, tenant, ask.operation, error.reason)
            raise final(error) from None
        except Refused as error:
            await moves.refuse(self._pool, tenant, ask.operation, EndReason("request_refused"), str(error))
            raise final(error) from None
        await stuck.owner_accepted(self._pool, tenant, ask.operation)

    def _declared(self, at: Subject) -> Relationship | None:
        return self._catalog.relationships.get(at.about)
