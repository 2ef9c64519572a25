"""Versions that ended before the horizon, and those of them that something still needs."""

from store.operations import voids
from store.operations.deletion_facts import find_deletion
from store.write.entity_state import fetch_entities
from tests.store.erasure.conftest import Eraser
from tests.store.retention.conftest import Trimmer
from tests.support import canaries
from tests.support.events import event


async def closed_links(trimmer: Trimmer) -> list[str]:
    rows = await trimmer.pool.fetch(
        "select child from links where to_revision < 9223372036854775807 order by to_revision"
    )
    return [row["child"] for row in rows]


async def test_the_last_channel_that_left_its_live_group_stays(trimmer: Trimmer) -> None:
    await trimmer.tenant.record(event("GroupCreated", "g", name="g"))
    for n in range(3):
        await trimmer.tenant.record(event("ChannelCreated", f"c{n}", requested_by="g", name="c"))
        await trimmer.tenant.record(event("ChannelDeleted", f"c{n}", 2))
    await trimmer.age_and_trim()
    assert await closed_links(trimmer) == ["c2"], "the next request is named by the revision at which it left"
    await trimmer.tenant.record(event("GroupDeleted", "g", 2))
    await trimmer.pool.execute("update horizons set pass_began = '-infinity'")
    await trimmer.age_and_trim()
    assert await closed_links(trimmer) == []
    assert (await trimmer.tenant.audit()).violated == []


async def test_a_run_that_ends_after_any_transaction_is_finished_by_the_next(trimmer: Trimmer) -> None:
    for n in range(1, 4):
        await trimmer.tenant.record(
            *(event("ItemAdded", f"i{i}", n, name=str(n), category=f"c{n}") for i in range(5)),
            event("CategoryAdded", f"c{n}", name="c"),
        )
    await trimmer.pass_time()
    before = await trimmer.tenant.lines()
    ended = 0
    while await trimmer.trim_until(ended):
        assert await trimmer.tenant.lines() == before
        assert (await trimmer.tenant.audit()).violated == []
        ended += 1
    assert ended > 5
    assert await trimmer.rows("entities") == 8
    assert await trimmer.rows("links") == 5
    assert await trimmer.pool.fetchval("select count(*) from facts where emptied is null") == 8
    assert (await trimmer.horizon())["swept"] == 3


async def test_voided_activity_stays_and_leads_an_erasure_to_its_fact(trimmer: Trimmer) -> None:
    tenant = trimmer.tenant
    await tenant.record(
        event("PersonCreated", "ann", 1, name="Ann"), event("ActivityRecorded", "a1", person_id="ann", what="canary")
    )
    id = await trimmer.pool.fetchval("select id from facts where key = 'a1'")
    await voids.void(trimmer.pool, tenant.catalog, "main", "activity", "a1", "/activities", id, "by mistake", "me")
    await trimmer.age_and_trim()
    await Eraser(trimmer.pool, tenant).erase("person", "ann")
    assert await canaries.find(trimmer.pool, "canary") == []
    assert (await tenant.audit()).violated == []


async def test_a_record_that_was_retired_is_known_as_such_once_its_merge_is_undone(trimmer: Trimmer) -> None:
    tenant = trimmer.tenant
    await tenant.record(*(event("PersonCreated", key, 1, name="Ann") for key in ("ann", "anne")))
    await tenant.record(event("PersonMerged", "anne", 1, survivor="anne", losers=["ann"]))
    await tenant.record(event("PersonDeleted", "ann", 2))
    await tenant.record(event("PersonUnmerged", "anne", 2, survivor="anne", losers=["ann"]))
    await trimmer.pool.execute("delete from outbox")
    await trimmer.age_and_trim()
    assert (await trimmer.horizon())["revision"] == 4
    async with trimmer.pool.acquire() as conn:
        (ann,) = await fetch_entities(conn, "main", [("person", "ann")])
        assert (await find_deletion(conn, "main", ann)).survivor == "anne", "else its late tickets would be deleted"
