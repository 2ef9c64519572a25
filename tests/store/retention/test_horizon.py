"""What moves the horizon of a tenant, and what holds it back."""

from datetime import timedelta
from itertools import count, islice

import pytest

from errors import Expired
from store.db.snapshot import snapshot
from store.read import snapshot_rows, snapshots
from tests.store.retention.conftest import HOUR, Trimmer
from tests.support.events import event

_SEQUENCES = count(1)


async def renamed(trimmer: Trimmer, times: int) -> int:
    """Renames a group again and again, in a revision each; returns the last."""
    revision = 0
    for n in islice(_SEQUENCES, times):
        revision = (await trimmer.tenant.record(event("GroupRenamed", "g1", n, name=f"name {n}"))).revision
    return revision


async def test_the_horizon_is_the_newest_revision_that_is_old_enough(trimmer: Trimmer) -> None:
    old = await renamed(trimmer, 3)
    await trimmer.pass_time()
    await renamed(trimmer, 2)
    await trimmer.trim()
    assert (await trimmer.horizon())["revision"] == old


async def test_a_revision_before_the_horizon_has_expired_and_names_the_earliest(trimmer: Trimmer) -> None:
    old = await renamed(trimmer, 3)
    await trimmer.age_and_trim()
    with pytest.raises(Expired) as raised:
        async with snapshot(trimmer.pool, trimmer.tenant.name, old - 1):
            pass
    assert raised.value.earliest
    assert raised.value.resync == "/v1/snapshots"
    async with snapshot(trimmer.pool, trimmer.tenant.name, old) as at:
        assert at.horizon == old


async def test_nothing_is_trimmed_without_a_history(trimmer: Trimmer) -> None:
    await renamed(trimmer, 3)
    trimmer.retention = trimmer.retention.model_copy(update={"history": None, "bodies": None})
    await trimmer.age_and_trim()
    assert await trimmer.rows("entities") == 3
    assert (await trimmer.horizon())["revision"] == 0


async def test_an_open_operation_holds_the_horizon_up_to_the_cap(trimmer: Trimmer) -> None:
    before = await renamed(trimmer, 2)
    await trimmer.pool.execute(
        "insert into operations (tenant, id, kind, workflow, about, key, state, actor, created_at)"
        " values ('main', 'o1', 'cascade', 'cascade', 'group', 'g1', 'running', 'test', clock_timestamp())"
    )
    after = await renamed(trimmer, 2)
    await trimmer.age_and_trim()
    found = await trimmer.horizon()
    assert (found["revision"], found["held_by"], found["held_name"]) == (before, "operation", "o1")
    await trimmer.pass_time(timedelta(hours=10))
    await trimmer.trim()
    assert (await trimmer.horizon())["revision"] == after


async def test_a_snapshot_holds_the_horizon_while_it_is_leased(trimmer: Trimmer) -> None:
    pool, name = trimmer.pool, trimmer.tenant.name
    before = await renamed(trimmer, 2)
    rows = snapshot_rows.rows_of(trimmer.tenant.catalog, kind="group")
    row = await snapshots.begin(pool, name, rows, before, "test", 36_000.0)
    after = await renamed(trimmer, 2)
    await trimmer.age_and_trim()
    found = await trimmer.horizon()
    assert (found["revision"], found["held_by"], found["held_name"]) == (before, "snapshot", row.id)
    assert len([piece async for piece in snapshots.lines(pool, name, row, rows, "", 0.0)]) == 3  # the lease lapses
    await trimmer.trim()
    assert (await trimmer.horizon())["revision"] == after
    with pytest.raises(Expired):
        async for _ in snapshots.lines(pool, name, row, rows, "", 0.0):
            pass


async def test_the_slowest_consumer_holds_the_horizon_up_to_the_cap(trimmer: Trimmer) -> None:
    for name, position in (("fast", 4), ("slow", 3)):
        await trimmer.pool.execute(
            "insert into consumers (tenant, name, filter, starts_at, position_revision, position, generation, holder,"
            " generation_at, at_risk_seconds, note, actor, created_at)"
            " values ('main', $1, '{}', '-1', $2, '', 1, '', now(), 1, '', '', now())",
            name,
            position,
        )
    newest = await renamed(trimmer, 5)
    await trimmer.age_and_trim()
    found = await trimmer.horizon()
    assert (found["revision"], found["held_by"], found["held_name"]) == (2, "consumer", "slow")
    async with snapshot(trimmer.pool, "main") as at:
        at.check_feed(3)
    await trimmer.pass_time(timedelta(hours=10))
    await trimmer.trim()
    assert (await trimmer.horizon())["revision"] == newest
    await renamed(trimmer, 1)
    await trimmer.age_and_trim()
    found = await trimmer.horizon()
    assert (found["revision"], found["held_by"]) == (newest + 1, None), "an expired consumer holds nothing"


async def test_versions_that_a_readable_revision_has_stay(trimmer: Trimmer) -> None:
    await renamed(trimmer, 3)
    await trimmer.pass_time()
    newest = await renamed(trimmer, 2)
    before = {at: await trimmer.tenant.lines(at) for at in range(3, newest + 1)}
    await trimmer.trim()
    assert await trimmer.rows("entities") == 3
    assert {at: await trimmer.tenant.lines(at) for at in range(3, newest + 1)} == before


async def test_many_rows_are_trimmed_in_transactions_of_some(trimmer: Trimmer) -> None:
    events = [event("GroupRenamed", f"g{n}", name="one") for n in range(2_500)]
    await trimmer.tenant.record(*events)
    await trimmer.tenant.record(*(event("GroupRenamed", f"g{n}", 2, name="two") for n in range(2_500)))
    await trimmer.pass_time(2 * HOUR)
    assert await trimmer.trim() >= 2_500
    assert await trimmer.rows("entities") == 2_500
    assert (await trimmer.tenant.audit()).violated == []
