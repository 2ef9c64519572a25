"""Channels that were requested for a group which was deleted and created again belong to the group that was deleted."""

from itertools import permutations

from catalog.catalog import Catalog
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.read import link_counts, links
from store.read.link_query import LinkQuery
from tests.store.read.test_links import NOW
from tests.support.events import Event, event
from tests.support.recording import TENANT, FactRecorder
from tests.support.tenants import StoreTenant

FIRST, GONE, SECOND = (
    event("GroupCreated", "g", 1, name="1"),
    event("GroupDeleted", "g", 3),
    event("GroupCreated", "g", 5, name="2"),
)
OF_FIRST = event("ChannelCreated", "c1", 1, name="c1", requested_by="g", created=FIRST)
OF_SECOND = event("ChannelCreated", "c2", 1, name="c2", requested_by="g", created=SECOND)
OF_ANY = event("ChannelCreated", "c3", 2, name="c3", requested_by="g")


async def states(tenant: StoreTenant) -> dict[str, str]:
    """Returns channel → state of its link."""
    found = [line.decode().split("|") for line in await tenant.lines() if line.startswith(b"link|")]
    return {child: state for _, _, child, _, state in found}


async def test_all_orders_of_two_lives_and_their_channels_give_same_rows(tenant: StoreTenant) -> None:
    events = [FIRST, GONE, SECOND, OF_FIRST, OF_SECOND]
    expected = None
    for order in permutations(events):
        one = tenant.other_tenant()
        await one.record_batches([[one_event] for one_event in order])
        assert await states(one) == {"c1": "broken", "c2": "linked"}
        rows = await one.rows()
        if expected is None:
            await one.assert_holds(events)
            expected = rows
        assert rows == expected, [one_event["id"] for one_event in order]


async def test_recreation_in_one_batch_requests_another_channel(tenant: StoreTenant) -> None:
    await tenant.record_batches([[FIRST], [OF_FIRST]])
    assert await states(tenant) == {"c1": "linked"}
    await tenant.pool.execute("delete from outbox where tenant = $1", tenant.name)
    again = {**SECOND, "data": FIRST["data"]}  # nothing but the life has changed
    await tenant.record_batches([[GONE, again]])
    assert await states(tenant) == {"c1": "broken"}
    assert await tenant.waits() == {("group_channel", "g", "child", "channels"): 1}
    rows = await tenant.pool.fetch(
        "select workflow, key from outbox where tenant = $1 and dispatched_at is null", tenant.name
    )
    assert {("relationship", "g"), ("cascade", "g")} <= {tuple(row) for row in rows}
    await tenant.assert_holds([FIRST, OF_FIRST, GONE, again])


async def test_recreation_in_one_batch_without_a_channel_wakes_its_workflow(tenant: StoreTenant) -> None:
    await tenant.record_batches([[FIRST]])
    await tenant.pool.execute("delete from outbox where tenant = $1", tenant.name)
    await tenant.record_batches([[GONE, {**SECOND, "data": FIRST["data"]}]])
    rows = await tenant.pool.fetch("select workflow, about, key from outbox where tenant = $1", tenant.name)
    assert ("relationship", "group_channel", "g") in {tuple(row) for row in rows}


async def test_late_older_deletion_ends_what_was_made_before_it(tenant: StoreTenant) -> None:
    await tenant.record_batches([[FIRST], [OF_FIRST], [SECOND]])
    assert await states(tenant) == {"c1": "linked"}
    await tenant.record(GONE)
    assert await states(tenant) == {"c1": "broken"}
    await tenant.assert_holds([FIRST, OF_FIRST, SECOND, GONE])


async def test_late_deletion_before_the_first_life_ends_nothing(tenant: StoreTenant) -> None:
    earlier = event("GroupDeleted", "g", 0)
    await tenant.record_batches([[FIRST], [OF_FIRST], [earlier]])
    assert await states(tenant) == {"c1": "linked"}
    await tenant.assert_holds([FIRST, OF_FIRST, earlier])


async def test_correlation_id_without_a_life_belongs_to_every_life(tenant: StoreTenant) -> None:
    await tenant.record_batches([[FIRST], [OF_ANY], [GONE], [SECOND], [OF_FIRST]])
    assert await states(tenant) == {"c1": "broken", "c3": "linked"}
    await tenant.assert_holds([FIRST, OF_ANY, GONE, SECOND, OF_FIRST])


async def test_links_of_former_lives_are_listed_and_counted_as_broken(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    events: list[Event] = []
    for group in ("a", "b", "c"):
        lives = [event("GroupCreated", group, n, name=group) for n in (1, 5)]
        channels = [
            event("ChannelCreated", f"{group}{n}", 1, name="x", requested_by=group, created=life)
            for n, life in enumerate(lives)
        ]
        events += [lives[0], channels[0], event("GroupDeleted", group, 3), lives[1], channels[1]]
    events.append(event("GroupDeleted", "b", 7))
    for one_event in events:
        await facts.record(one_event)
    relationship = catalog.relationship("group_channel")
    async with snapshot(pool, TENANT) as at:
        counts = await link_counts.count_by_state(at, relationship, NOW)
        broken, _ = await links.page(at, LinkQuery(relationship, state="broken"), None, 10, NOW)
        of_a, _ = await links.page(at, LinkQuery(relationship, parent="a", state="broken"), None, 10, NOW)
    assert counts == {"linked": 2, "waiting": 0, "overdue": 0, "broken": 4, "conflict": 0}
    assert [link.child for link in broken] == ["a0", "b0", "b1", "c0"]
    assert [link.child for link in of_a] == ["a0"]
