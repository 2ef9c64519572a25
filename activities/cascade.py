"""Activities of CascadeDeleteWorkflow except its sweeps. All are idempotent: each may run again after a crash."""

from functools import partial

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.support import owner_requests
from activities.support.failures import again, final, later
from activities.support.missing_declaration import hold, postpone, reason
from activities.sweep import counts, requests_for
from catalog.catalog import Catalog
from catalog.command_mapping import filled, varies
from catalog.owner_request import OwnerRequest
from errors import Refused, Unavailable
from facts.correlation import encode_operation
from facts.own_facts import derived_id
from gateways import answers
from gateways.answers import Step
from gateways.owners import Owners
from messages.operation_reasons import EndReason
from messages.operations import OperationRequest, OperationStatus, OperationStep
from store.db.pool import Pool
from store.operations import cascades, deletions, stuck
from store.operations.operation_row import BEFORE_END
from store.operations.operations import Impossible


class CascadeActivities:
    """Reads, advances and ends deletions. ``owners`` receive the requests to delete an entity."""

    def __init__(self, pool: Pool, catalog: Catalog, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._owners = owners

    @activity.defn(name="look_at_end")
    async def look_at_end(self, look: OperationStep) -> OperationStatus:
        """Advances the deletions of an entity: ends those that can be ended.

        Returns the status of the one under way: the command to send to the entity's owner, or the relationships whose
        children to request.
        """
        at = look.subject
        if at.about not in self._catalog.contracts.owner_of:
            return await hold(self._pool, look, f"the kind {at.about}")
        status = await cascades.advance(self._pool, self._catalog, at.tenant, at.about, at.key)
        row, deletion = status.operation, status.deletion
        shown = deletion or row
        if shown is None:
            return OperationStatus(newer=status.newer, now=status.now)
        deleting = deletion is not None
        command = self._catalog.contracts.deleting.get(at.about)
        if deleting and command is None:
            return await hold(self._pool, look, f"a command that deletes a {at.about}")
        owner = self._catalog.owner_of(at.about)
        sweeping = self._catalog.sweeping.get(at.about, ())
        return OperationStatus(
            operation=shown.id,
            ended_life=row.id if deletion is not None and row is not None else "",
            kind=shown.kind,
            command=command.__name__ if deleting and command is not None else "",
            owner=owner if deleting else "",
            awaited=f"{self._catalog.contracts.deleted_fact(at.about)} from {owner}",
            due=deletion.due if deletion is not None else None,
            to_request=[requests_for(self._catalog, r) for r in sweeping if r.name in status.to_request],
            concerned=[requests_for(self._catalog, r) for r in sweeping],
            unconfirmed=status.unconfirmed,
            stop_at=status.stops_at,
            counts=counts(row or shown),
            reason=await reason(self._pool, shown),
            now=status.now,
        )

    @activity.defn(name="ask_to_delete")
    async def request_deletion(self, step: OperationRequest) -> None:
        """Sends the entity's owner the command that deletes it, unless the operation has ended meanwhile.

        A refusal ends the operation; a request to an unavailable owner is retried, one that its owner contradicts some
        times.
        """
        at = step.subject
        command = self._catalog.contracts.deleting.get(at.about)
        if command is None:
            raise await postpone(self._pool, step, f"a command that deletes a {at.about}")
        where = at.tenant, at.about, at.key, step.operation
        find_pending = partial(deletions.pending_request, self._pool, self._catalog, *where)
        try:
            entity = await find_pending()
            if entity is None:
                return
            request = OwnerRequest(
                tenant=at.tenant,
                owner=self._catalog.owner_of(at.about),
                command=filled(command, at.key, entity.data),
                idempotency_key=derived_id("delete", at.tenant, step.operation, at.about, at.key),
                correlation=encode_operation(step.operation),
                causation=step.operation,
                varies=varies(command),
            )
            if not await owner_requests.send(self._pool, self._owners, request, find_pending):
                return
        except Impossible as error:
            await deletions.refuse(self._pool, at.tenant, step.operation, error.reason)
            raise final(error) from None
        except (Unavailable, Refused) as error:
            raise await self._failed(step, error) from None
        else:
            await stuck.owner_accepted(self._pool, at.tenant, step.operation, states=BEFORE_END)

    async def _failed(self, step: OperationRequest, error: Unavailable | Refused) -> ApplicationError:
        """Stores why an attempt failed, and ends the operation if that was final; returns the error to raise.

        Nothing is stored once the entity is deleted, when only its children are left.
        """
        tenant, text = step.subject.tenant, str(error)
        what_next = answers.step("deletion", error)
        if what_next is Step.RETRY:
            await stuck.owner_failed(self._pool, tenant, step.operation, text, states=BEFORE_END)
            return later(error if isinstance(error, Unavailable) else Unavailable(text))
        if what_next is not Step.REFUSE:
            count = await stuck.owner_contradicted(self._pool, tenant, step.operation, text, states=BEFORE_END)
            if count < answers.ATTEMPTS:
                return again(error, answers.pause(count))
        await deletions.refuse(self._pool, tenant, step.operation, EndReason("request_refused"), text)
        return final(error)
