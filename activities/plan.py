"""The side effects of a PlanWorkflow, its sweeps apart. Each is idempotent."""

from temporalio import activity

from activities.support.orphaned import hold, reason
from activities.sweep import counts, todo
from catalog.catalog import Catalog
from messages.operations import OperationStatus, OperationStep
from store.db.pool import Pool
from store.operations import plan_runs


class PlanActivities:
    """Looks at how far the execution of a plan is."""

    def __init__(self, pool: Pool, catalog: Catalog) -> None:
        self._pool = pool
        self._catalog = catalog

    @activity.defn(name="look_at_plan")
    async def look_at_plan(self, look: OperationStep) -> OperationStatus:
        """Ends it if it is over, and says whether children are to be asked for."""
        tenant, operation = look.subject.tenant, look.subject.key
        standing = await plan_runs.look(self._pool, self._catalog, tenant, look.subject.about, operation, look.now)
        row = standing.operation
        if row is None:
            return OperationStatus(newer=standing.newer)
        relationship = self._catalog.relationships.get(row.relationship or "")
        command = (relationship.move if row.kind == "move" else relationship.detach) if relationship else None
        if relationship is None or command is None:
            return await hold(self._pool, look, f"a command for {row.kind} by {row.relationship}")
        concerned = [todo(self._catalog, relationship, command)]
        return OperationStatus(
            operation=row.id,
            kind=row.kind,
            to_request=concerned if standing.todo else [],
            concerned=concerned,
            unconfirmed=standing.outstanding,
            counts=counts(row),
            reason=await reason(self._pool, row),
        )
