"""What happens after the takeover: missing facts arrive, and users continue with what they began."""

import pytest

from errors import PlanOutdated
from store.operations import operations, plans
from tests.takeover import rows
from tests.takeover.environment import MAIN, Environment, TenantHarness, fact


async def continue_work(environment: Environment) -> None:
    """Does what the earlier version was made to do after its dump. Call it while everything runs."""
    main = environment.main
    for tenant in environment.tenants:
        await _record_missing_facts(tenant)
    await environment.request_owner("events", "POST", "/events", id="future", name="Future")
    for event in ("fair", "summer"):
        await operations.redrive(main.pool, MAIN, await rows.operation_of(main, "cascade", "event", event))
    outdated, congress = await rows.plans_to_delete(main)
    await _execute(main, congress)
    with pytest.raises(PlanOutdated, match="was deleted and recreated since"):
        await _execute(main, outdated)
    await operations.cancel(main.pool, MAIN, await rows.operation_of(main, "move", "plane_flight", "UA2"))


async def _record_missing_facts(tenant: TenantHarness) -> None:
    """Completes all waits for categories but "barn" and "cellar", and both sides of an explicit link."""
    await tenant.record(
        fact("categories", "CategoryAdded", "lights", name="Lights"),
        fact("categories", "CategoryAdded", "garden", name="Garden"),
        fact("categories", "CategoryAdded", "attic", name="Attic"),
        fact("categories", "CategoryAdded", "studio", name="Studio"),
        fact("items", "ItemAdded", "easel", name="Easel"),
    )


async def _execute(main: TenantHarness, plan: str) -> None:
    key = f"execute-{plan}"
    await plans.execute(main.pool, main.catalog, MAIN, plan, include_appeared=False, actor="test", idempotency_key=key)
