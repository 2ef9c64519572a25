"""Versions that ended before the horizon, and those of them that something still needs."""

from tests.store.retention.conftest import Trimmer
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
