"""The children of a plan are redriven only while it is known whether they have left their parents since."""

import pytest

from errors import Conflict
from store.db.pool import Pool, transaction
from store.operations import operations
from store.write.tenant_lock import lock
from tests.support.recording import TENANT

OPERATION = """
insert into operations (tenant, id, kind, workflow, about, key, state, actor, created_at)
values ($1, 'o', 'move', $2, 'move', 'o', 'incomplete', 'test', now())
"""
CHILD = """
insert into operation_children (tenant, operation, relationship, child, parent, state, linked_revision)
values ($1, 'o', 'event_team', 't', 'e', 'parked', 5)
"""


@pytest.mark.parametrize(
    ("workflow", "horizon", "redriven"), [("plan", 5, True), ("plan", 6, False), ("cascade", 6, True)]
)
async def test_plan_of_a_revision_before_the_horizon_is_not_redriven(
    pool: Pool, workflow: str, horizon: int, redriven: bool
) -> None:
    async with transaction(pool) as conn:
        await lock(conn, TENANT)
        await conn.execute(OPERATION, TENANT, workflow)
        await conn.execute(CHILD, TENANT)
        await conn.execute("insert into horizons (tenant, revision) values ($1, $2)", TENANT, horizon)
    if redriven:
        assert (await operations.redrive(pool, TENANT, "o")).state == "running"
        return
    with pytest.raises(Conflict, match="make a new plan"):
        await operations.redrive(pool, TENANT, "o")
