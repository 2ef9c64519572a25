"""What happens after the takeover: missing facts arrive, and users continue with what they began."""

from errors import PlanOutdated
from store import operations, plans
from tests.takeover import rows
from tests.takeover.environment import MAIN, Environment, Tenant, fact


async def continue_work(environment: Environment) -> None:
    """To be called while the worker and the dispatcher run, and after ``Network.repair``."""
    main = environment.main
    for tenant in environment.tenants:
        await _missing_facts(tenant)
    await environment.do("events", "POST", "/events", id="future", name="Future")
    for event in ("fair", "summer"):
        await operations.redrive(main.pool, MAIN, await rows.operation_of(main, "cascade", "event", event))
    outdated, congress = await rows.plans_to_delete(main)
    await _execute(main, congress)
    try:
        await _execute(main, outdated)
    except PlanOutdated:
        pass
    else:
        raise AssertionError("a plan was executed for an event that was deleted and created anew since")
    await operations.cancel(main.pool, MAIN, await rows.operation_of(main, "move", "plane_flight", "UA2"))


async def _missing_facts(tenant: Tenant) -> None:
    """Completes all waits for categories but "barn" and "cellar", and both sides of an explicit link."""
    await tenant.tell(
        fact("categories", "CategoryAdded", "lights", 1, name="Lights"),
        fact("categories", "CategoryAdded", "garden", 1, name="Garden"),
        fact("categories", "CategoryAdded", "attic", 1, name="Attic"),
        fact("categories", "CategoryAdded", "studio", 1, name="Studio"),
        fact("items", "ItemAdded", "easel", 1, name="Easel"),
    )


async def _execute(main: Tenant, plan: str) -> None:
    of_plan = f"execute-{plan}"
    await plans.execute(
        main.pool, main.catalog, MAIN, plan, include_appeared=False, actor="test", idempotency_key=of_plan
    )
