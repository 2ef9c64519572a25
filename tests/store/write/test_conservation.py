"""What belongs to each key of an entity is the same before and after a merge, and a loss shows."""

import pytest

from store.db.snapshot import snapshot
from store.write.conservation import Conservation, conservation
from tests.support.events import Event, event
from tests.support.merging import activity, merged, unmerged
from tests.support.tenants import StoreTenant

PEOPLE: list[Event] = [
    event("CompanyAdded", "acme", name="Acme"),
    event("PersonCreated", "ann", 1, name="Ann", company_id="acme"),
    event("PersonCreated", "anne", 2, name="Anne", company_id="bolt"),
    event("TicketOpened", "t1", subject="Help", person_id="ann"),
    event("TicketOpened", "t2", subject="More help", person_id="anne"),
    activity("1", "ann"),
    activity("2", "ann", "2026-01-01T00:00:00.123456789Z"),
    activity("3", "anne", "0001-01-01T00:00:00Z"),
    activity("4", "bob"),
]


async def tallies(tenant: StoreTenant, *keys: str, revision: int | None = None) -> Conservation:
    """What belongs to all keys of these people, as of a revision."""
    async with snapshot(tenant.pool, tenant.name, revision) as at:
        return await conservation(at, tenant.catalog, "person", keys)


async def test_merge_and_undo_conserve_activity_and_links(tenant: StoreTenant) -> None:
    apart = (await tenant.record(*PEOPLE)).revision
    together = (await tenant.record(merged("anne", "ann"))).revision
    again = (await tenant.record(unmerged("anne", "ann"))).revision
    before = await tallies(tenant, "ann", "anne", revision=apart)
    assert [(tally.origin, tally.count) for tally in before.activity] == [("ann", 2), ("anne", 1)]
    assert [(tally.origin, tally.count) for tally in before.links] == [("ann", 2), ("anne", 2)]
    assert await tallies(tenant, "anne", revision=together) == before
    assert await tallies(tenant, "ann", revision=together) == before
    assert await tallies(tenant, "ann", "anne", revision=again) == before
    assert (await tallies(tenant, "anne", revision=again)).activity == before.activity[1:]


async def test_key_without_anything_has_a_tally_of_zero(tenant: StoreTenant) -> None:
    found = await tallies(tenant, "nora")
    assert [(tally.origin, tally.count, int(tally.hash, 16)) for tally in (*found.activity, *found.links)] == [
        ("nora", 0, 0),
        ("nora", 0, 0),
    ]


@pytest.mark.parametrize(
    "loss",
    [
        "delete from activities where id = '2'",
        "update activities set happened_nanoseconds = 788 where id = '2'",
        "update activities set key = 'ann' where id = '3'",
        "update links set stated_parent = null where child = 't1' and to_revision = 9223372036854775807",
        "delete from links where child = 't2' and to_revision = 9223372036854775807",
        "delete from aliases",
        "update entities set data = '{}' where key = 'ann'",
    ],
)
async def test_loss_shows(tenant: StoreTenant, loss: str) -> None:
    apart = (await tenant.record(*PEOPLE)).revision
    before = await tallies(tenant, "ann", "anne", revision=apart)
    await tenant.record(merged("anne", "ann"))
    assert await tallies(tenant, "anne") == before
    await tenant.pool.execute(loss)
    assert await tallies(tenant, "anne") != before


async def test_voided_activity_belongs_to_earlier_revisions_only(tenant: StoreTenant) -> None:
    before = (await tenant.record(*PEOPLE)).revision
    fact = PEOPLE[5]
    void = {"source": fact["source"], "id": fact["id"], "type": fact["type"], "reason": "a mistake"}
    await tenant.record_own("FactVoided", "activity", fact["id"], void)
    assert (await tallies(tenant, "ann")).activity[0].count == 1
    assert (await tallies(tenant, "ann", revision=before)).activity[0].count == 2
