"""The activity of RetentionWorkflow. It is idempotent: what is trimmed is not there any more."""

from time import monotonic

from temporalio import activity

from catalog.catalog import Catalog
from config import Retention
from messages.retention import RetentionResult, RetentionRun
from store.db.pool import Pool
from store.retention import run

SECONDS = 30.0
"""Time after which an activity ends with what it has trimmed."""


class RetentionActivities:
    """Trims rows by the settings of this process."""

    def __init__(self, pool: Pool, catalog: Catalog, retention: Retention) -> None:
        self._pool = pool
        self._catalog = catalog
        self._retention = retention

    @activity.defn(name="trim_rows")
    async def trim(self, given: RetentionRun) -> RetentionResult:
        """Trims rows for some seconds, batch by batch. Raises Unavailable."""
        end, rows = monotonic() + SECONDS, 0
        async for trimmed in run.run(self._pool, self._catalog, given.tenant, self._retention):
            rows += trimmed
            activity.heartbeat(rows)
            if monotonic() >= end:
                return RetentionResult(rows=rows, more=True)
        return RetentionResult(rows=rows)
