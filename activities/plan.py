"""Activities of PlanWorkflow except its sweeps. All are idempotent: each may run again after a crash."""

from temporalio import activity

from activities.support.missing_declaration import hold, reason
from activities.sweep import counts, requests_for
from catalog.catalog import Catalog
from messages.operations import OperationStatus, OperationStep
from store.db.pool import Pool
from store.operations import plan_runs


class PlanActivities:
    """Reads and ends the operations that execute plans."""

    def __init__(self, pool: Pool, catalog: Catalog) -> None:
        self._pool = pool
        self._catalog = catalog

    @activity.defn(name="look_at_plan")
    async def look_at_plan(self, look: OperationStep) -> OperationStatus:
        """Ends the operation if all of its children are processed, and returns its status."""
        tenant, operation = look.subject.tenant, look.subject.key
        run = await plan_runs.look(self._pool, self._catalog, tenant, look.subject.about, operation)
        row = run.operation
        if row is None:
            return OperationStatus(newer=run.newer, now=run.now)
        relationship = self._catalog.relationships.get(row.relationship or "")
        command = (relationship.move if row.kind == "move" else relationship.detach) if relationship else None
        if relationship is None or command is None:
            return await hold(self._pool, look, f"a command for {row.kind} by {row.relationship}")
        concerned = [requests_for(self._catalog, relationship, command)]
        return OperationStatus(
            operation=row.id,
            kind=row.kind,
            to_request=concerned if run.to_request else [],
            concerned=concerned,
            unconfirmed=run.unconfirmed,
            counts=counts(row),
            reason=await reason(self._pool, row),
            now=run.now,
        )
