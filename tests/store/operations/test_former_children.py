"""Children that were requested for a former incarnation of their parent: deletions of the present one skip them."""

from dataclasses import replace

from catalog.catalog import Catalog
from catalog.relationship import RESTRICT
from store.operations.plan_scope import PlanRequest, changes, count_deleted, scope
from store.operations.restrictions import restrictions
from tests.support.events import event
from tests.support.tenants import CATALOG, StoreTenant

FIRST, GONE, SECOND = (
    event("GroupCreated", "g", 1, name="1"),
    event("GroupDeleted", "g", 3),
    event("GroupCreated", "g", 5, name="2"),
)
OF_FIRST = event("ChannelCreated", "c1", 1, name="c1", requested_by="g", created=FIRST)
OF_SECOND = event("ChannelCreated", "c2", 1, name="c2", requested_by="g", created=SECOND)
MEMBERS = [event("ChannelMemberAdded", f"m{c}", 1, channel=c, user="u") for c in ("c1", "c2")]
DELETE = PlanRequest("delete", entity_kind="group", key="g")
RESTRICTING = Catalog(
    CATALOG.contracts,
    {
        **CATALOG.relationships,
        "group_channel": replace(CATALOG.relationship("group_channel"), on_parent_deleted=RESTRICT),
    },
)


async def planned(tenant: StoreTenant, revision: int) -> dict[str, list[str]]:
    """Returns relationship → the children that a plan made at a revision names."""
    async with tenant.pool.acquire() as conn:
        rows = await scope(conn, tenant.catalog, tenant.name, DELETE, revision)
    return {row.relationship: row.sample for row in rows}


async def test_plan_names_children_of_the_incarnation_that_it_is_about(tenant: StoreTenant) -> None:
    first = (await tenant.record(FIRST, OF_FIRST, *MEMBERS)).revision
    second = (await tenant.record_batches([[GONE], [SECOND], [OF_SECOND]])).revision
    assert await planned(tenant, first) == {"group_channel": ["c1"], "channel_membership": ["mc1"]}
    assert await planned(tenant, second) == {"group_channel": ["c2"], "channel_membership": ["mc2"]}
    async with tenant.pool.acquire() as conn:
        assert await count_deleted(conn, CATALOG, tenant.name, DELETE, second) == 2
        appeared, vanished = await changes(conn, CATALOG, tenant.name, DELETE, first, second)
    assert {(c.relationship, *c.sample) for c in appeared} == {("group_channel", "c2"), ("channel_membership", "mc2")}
    assert {(c.relationship, *c.sample) for c in vanished} == {("group_channel", "c1"), ("channel_membership", "mc1")}


async def test_child_of_a_former_incarnation_restricts_no_deletion(tenant: StoreTenant) -> None:
    await tenant.record_batches([[FIRST, OF_FIRST], [GONE], [SECOND]])
    async with tenant.pool.acquire() as conn:
        assert await restrictions(conn, RESTRICTING, tenant.name, "group", ["g"]) == {}
        await tenant.record(OF_SECOND)
        assert list(await restrictions(conn, RESTRICTING, tenant.name, "group", ["g"])) == ["g"]
