"""A workflow that is about to wait, while the fact that it waits for is committed: every order of the statements."""

from datetime import datetime
from itertools import count
from typing import Any, cast

import pytest

from activities.relationship import RelationshipActivities
from catalog.catalog import Catalog
from messages.relationship import RelationshipStep, Situation
from store.db.pool import Pool, transaction
from store.operations import links, moves
from store.write import outbox_dispatch
from store.write.settle import settle
from tests.support.events import Event, event
from tests.support.interleavings import COMMIT, Task, explore
from tests.support.tenants import StoreTenant, recorded_entry

SETTLE = ("lock_tenant_revision", "notify_relationships", "end_waits", COMMIT)
ROUND = ("claim_waits", "relationship_status", "register_workflow", "forget_outbox_rows", COMMIT)
LOCKED = ("lock_tenant_revision", COMMIT)

ITEM = event("ItemAdded", "lamp", 1, name="Lamp", category="light")
LIGHT = event("CategoryAdded", "light", 1, name="Light")
UNLINKED = event("ItemUpdated", "lamp", 2, category="heavy")
"""The last child leaves the placeholder for which its workflow waits."""

_NUMBERS = count(1)


class Round:
    """One round of an instance's workflow. ``situation``: what it went to sleep with."""

    def __init__(self, tenant: StoreTenant, relationship: str, parent: str, *, claims: bool) -> None:
        self.tenant = tenant
        self.claims = claims
        self.step = RelationshipStep(
            instance={"tenant": tenant.name, "relationship": relationship, "parent": parent}  # type: ignore[arg-type]
        )
        self.situation: Situation | None = None

    async def run(self, pool: Pool) -> None:
        """Claims the wait as a dispatcher does, and looks as the workflow does that is started then."""
        if self.claims and not await outbox_dispatch.claim_waits(pool, 10, 100):
            return
        await self.look(pool)

    async def look(self, pool: Pool) -> None:
        activities = RelationshipActivities(pool, self.tenant.catalog, cast(Any, None), cast(Any, None))
        self.situation = await activities.proceed(self.step)
        while self.situation.newer:
            self.situation = await activities.proceed(self.step)

    @property
    def sleeps_until(self) -> datetime | None:
        return None if self.situation is None else self.situation.next_due()

    async def rows(self, pool: Pool) -> int:
        """Counts the outbox rows that make the workflow look again."""
        return int(await pool.fetchval("select count(*) from outbox where tenant = $1", self.tenant.name))


def settling(tenant: StoreTenant, fact: Event) -> Task:
    """A task that settles one fact."""

    async def task(pool: Pool) -> None:
        async with transaction(pool) as conn:
            await settle(conn, tenant.catalog, tenant.name, [recorded_entry(tenant.catalog, fact)], "test")

    return task


def fresh_tenant(pool: Pool) -> StoreTenant:
    return StoreTenant(pool, name=f"t{next(_NUMBERS)}")


@pytest.mark.parametrize("claims", [True, False], ids=["dispatched", "started by a service"])
@pytest.mark.parametrize("fact", [LIGHT, UNLINKED], ids=["parent arrives", "child leaves"])
async def test_workflow_that_begins_to_wait_is_notified_in_every_order(
    pool: Pool, catalog: Catalog, fact: Event, claims: bool
) -> None:
    async def prepare() -> tuple[Any, Task]:
        tenant = fresh_tenant(pool)
        await pool.execute("delete from waits")
        await tenant.record(ITEM)
        if claims:
            await pool.execute("update waits set workflow_after = now() where tenant = $1", tenant.name)
        workflow = Round(tenant, "category_item", "light", claims=claims)

        async def check(pool: Pool) -> None:
            if workflow.sleeps_until is not None:
                assert await workflow.rows(pool) > 0
                await workflow.look(pool)
            assert workflow.sleeps_until is None
            assert await workflow.rows(pool) == 0

        return {"fact": (settling(tenant, fact), SETTLE), "workflow": (workflow.run, ROUND)}, check

    assert await explore(pool, prepare) > 5


async def test_explicit_link_is_completed_in_every_order_with_its_parents_fact(pool: Pool, catalog: Catalog) -> None:
    async def prepare() -> tuple[Any, Task]:
        tenant = fresh_tenant(pool)
        await tenant.record(event("ItemAdded", "lamp", 1, name="Lamp", category="heavy"))
        workflow = Round(tenant, "category_item", "light", claims=False)

        async def start(pool: Pool) -> None:
            await links.start(
                pool,
                tenant.name,
                catalog.relationship("category_item"),
                kind="link",
                parent="light",
                child="lamp",
                actor="test",
                idempotency_key=None,
            )

        async def check(pool: Pool) -> None:
            while await workflow.rows(pool):  # as the dispatcher signals the workflow, or starts it
                await workflow.look(pool)
                assert workflow.sleeps_until is None
            states = await pool.fetch("select state from operations where tenant = $1", tenant.name)
            assert [row["state"] for row in states] == ["done"]

        tasks = {
            "fact": (settling(tenant, LIGHT), LOCKED),
            "link": (start, LOCKED),
            "workflow": (workflow.look, ("relationship_status", "forget_outbox_rows")),
        }
        return tasks, check

    assert await explore(pool, prepare) > 5


async def test_move_is_requested_in_every_order_with_its_targets_fact(pool: Pool, catalog: Catalog) -> None:
    relationship = catalog.relationship("event_team")

    async def prepare() -> tuple[Any, Task]:
        tenant = fresh_tenant(pool)
        await tenant.record(
            event("EventCreated", "a", 1, name="a"), event("TeamCreated", "t", 1, name="t", event_id="a")
        )

        async def start(pool: Pool) -> None:
            await moves.start(pool, tenant.name, relationship, child="t", to="b", actor="test", idempotency_key=None)

        async def look(pool: Pool) -> None:
            await moves.advance(pool, tenant.name, relationship, "t")

        async def check(pool: Pool) -> None:
            if await pool.fetchval("select exists (select from outbox where tenant = $1)", tenant.name):
                status = await moves.advance(pool, tenant.name, relationship, "t")
                assert status.requested
            states = await pool.fetch("select state from operations where tenant = $1", tenant.name)
            assert [row["state"] for row in states] == ["requested"]

        tasks = {
            "fact": (settling(tenant, event("EventCreated", "b", 1, name="b")), LOCKED),
            "move": (start, LOCKED),
            "workflow": (look, LOCKED),
        }
        return tasks, check

    assert await explore(pool, prepare) > 5
