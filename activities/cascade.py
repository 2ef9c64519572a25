"""The side effects of a CascadeDeleteWorkflow, its sweeps apart. Each is idempotent."""

from temporalio import activity

from activities.support import owner_requests
from activities.support.failures import final, later
from activities.support.orphaned import hold, put_off, reason
from activities.sweep import counts, todo
from catalog.catalog import Catalog
from catalog.command_mapping import filled, varies
from catalog.owner_request import OwnerRequest
from errors import Gone, Refused, Unavailable
from facts.correlation import encode_operation
from facts.own_facts import derived_id
from gateways.owners import Owners
from messages.operation_reasons import EndReason
from messages.operations import OperationRequest, OperationStatus, OperationStep
from store.db.pool import Pool
from store.operations import cascades, deletions, stuck
from store.operations.operation_row import BEFORE_END
from store.operations.operations import Impossible


class CascadeActivities:
    """``owners`` are asked to delete what is theirs."""

    def __init__(self, pool: Pool, catalog: Catalog, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._owners = owners

    @activity.defn(name="look_at_end")
    async def look_at_end(self, look: OperationStep) -> OperationStatus:
        """Ends what can be ended, and says whether the owner is to be asked, or children are."""
        at = look.subject
        if at.about not in self._catalog.contracts.owner_of:
            return await hold(self._pool, look, f"the kind {at.about}")
        status = await cascades.advance(self._pool, self._catalog, at.tenant, at.about, at.key, look.now)
        row = status.operation
        if row is None:
            return OperationStatus(newer=status.newer)
        asks = row.state in BEFORE_END
        command = self._catalog.contracts.deleting.get(at.about)
        if asks and command is None:
            return await hold(self._pool, look, f"a command that deletes a {at.about}")
        owner = self._catalog.owner_of(at.about)
        sweeping = self._catalog.sweeping.get(at.about, ())
        return OperationStatus(
            operation=row.id,
            kind=row.kind,
            command=command.__name__ if asks and command is not None else "",
            owner=owner if asks else "",
            awaited=f"{self._catalog.contracts.deleted_fact(at.about)} from {owner}",
            due=row.due if asks else None,
            to_request=[todo(self._catalog, r) for r in sweeping if r.name in status.to_request],
            concerned=[todo(self._catalog, r) for r in sweeping],
            unconfirmed=status.unconfirmed,
            counts=counts(row),
            reason=await reason(self._pool, row),
        )

    @activity.defn(name="ask_to_delete")
    async def ask_to_delete(self, ask: OperationRequest) -> None:
        """Asks the entity's owner to delete it. A refusal ends the operation; else it is tried again."""
        at = ask.subject
        command = self._catalog.contracts.deleting.get(at.about)
        if command is None:
            raise await put_off(self._pool, ask, f"a command that deletes a {at.about}")
        try:
            entity = await deletions.pending_request(
                self._pool, self._catalog, at.tenant, at.about, at.key, ask.operation
            )
            if entity is None:
                return
            request = OwnerRequest(
                tenant=at.tenant,
                owner=self._catalog.owner_of(at.about),
                command=filled(command, at.key, entity.data),
                idempotency_key=derived_id("delete", at.tenant, ask.operation, at.about, at.key),
                correlation=encode_operation(ask.operation),
                causation=ask.operation,
                varies=varies(command),
            )
            await owner_requests.send(self._pool, self._owners, request)
        except Unavailable as error:
            await self._failed(ask, str(error))
            raise later(error) from None
        except Gone as error:  # its owner knows it as deleted and that fact is on its way, or else it is asked again
            await self._failed(ask, str(error))
            raise later(Unavailable(str(error))) from None
        except Impossible as error:
            await deletions.refuse(self._pool, at.tenant, ask.operation, error.reason)
            raise final(error) from None
        except Refused as error:
            await deletions.refuse(self._pool, at.tenant, ask.operation, EndReason("request_refused"), str(error))
            raise final(error) from None
        else:
            await stuck.owner_accepted(self._pool, at.tenant, ask.operation, states=BEFORE_END)

    async def _failed(self, ask: OperationRequest, error: str) -> None:
        """Not once the entity is deleted: from then on the operation is about its children."""
        await stuck.owner_failed(self._pool, ask.subject.tenant, ask.operation, error, states=BEFORE_END)
