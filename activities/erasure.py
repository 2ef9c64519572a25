"""Activities of ErasureWorkflow. All are idempotent: what is empty stays empty, and the owner knows a repeat."""

from temporalio import activity

from activities.support import owner_requests
from activities.support.failures import final, later
from activities.support.heartbeats import heartbeats
from catalog.catalog import Catalog
from catalog.command_mapping import filled
from catalog.owner_request import OwnerRequest
from errors import Gone, Refused, Unavailable
from facts.own_facts import derived_id
from gateways.owners import Owners
from messages.erasure import ErasedFiles, ErasureProgress, ErasureStep
from store.db.pool import Pool, connection
from store.erasure import entity, requests, traces, vacuum
from store.erasure.requests import ErasureRow


class ErasureActivities:
    """Erases the data of an entity. ``owners`` receive the requests to follow."""

    def __init__(self, pool: Pool, catalog: Catalog, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._owners = owners

    @activity.defn(name="erase_data")
    async def erase(self, step: ErasureStep) -> ErasureProgress:
        """Empties all rows that hold data of the entity. Raises Unavailable."""
        try:
            row = await entity.erase(self._pool, self._catalog, step.tenant, step.id)
        except Refused as error:
            raise final(error) from None
        rows = 0
        async with heartbeats("emptying rows"):
            async for emptied in traces.erase(self._pool, self._catalog, row):
                rows += emptied
        pending = row.owner_state == "pending"
        return ErasureProgress(
            rows=rows, owner=(row.owner or "") if pending else "", command=(row.command or "") if pending else ""
        )

    @activity.defn(name="vacuum_tables")
    async def vacuum(self, step: ErasureStep) -> ErasedFiles:
        """Removes the former versions of the rows from the tables. Raises Unavailable."""
        async with heartbeats("vacuuming"):
            async for _ in vacuum.vacuum(self._pool, await self._row(step)):
                pass
        return ErasedFiles(vacuumed=(await self._row(step)).vacuumed_at is not None)

    @activity.defn(name="request_erasure")
    async def request_owner(self, step: ErasureStep) -> None:
        """Requests the owner to erase what it keeps. A refusal is recorded; an owner that is unavailable is retried."""
        row = await self._row(step)
        command = self._catalog.contracts.erasing.get(row.kind)
        if row.owner_state != "pending":
            return
        if command is None:
            raise later(Unavailable(f"no command erases a {row.kind} any more; declare it again", retry_after=60.0))
        request = OwnerRequest(
            tenant=row.tenant,
            owner=self._catalog.owner_of(row.kind),
            command=filled(command, row.key, {}),
            idempotency_key=derived_id("erase", row.tenant, row.id),
            correlation=row.id,
            causation=f"{row.kind}/{row.key}",
            varies=False,
        )
        await self._send(row, request)

    async def _send(self, row: ErasureRow, request: OwnerRequest) -> None:
        async def pending() -> bool:
            return True

        try:
            await owner_requests.send(self._pool, self._owners, request, pending)
        except Unavailable as error:
            raise later(error) from None
        except Gone as error:
            await requests.owner_answered(self._pool, row.tenant, row.id, "missing", str(error))
        except Refused as error:
            await requests.owner_answered(self._pool, row.tenant, row.id, "refused", str(error))
        else:
            await requests.owner_answered(self._pool, row.tenant, row.id, "accepted")

    @activity.defn(name="end_erasure")
    async def end(self, step: ErasureStep) -> None:
        """Records that nothing is left to do."""
        await requests.end(self._pool, step.tenant, step.id)

    async def _row(self, step: ErasureStep) -> ErasureRow:
        async with connection(self._pool) as conn:
            return await requests.find(conn, step.tenant, step.id)
