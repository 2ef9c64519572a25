"""The quarantine keeps so many events and bytes of one API key, so that one publisher cannot fill the disk."""

from config import QuarantineLimits
from facts.ingest import Rejection
from store.write.recorder import Recorder
from tests.support.events import event
from tests.support.quarantined import keep
from tests.support.tenants import StoreTenant, recorded_entry


def rejection(n: int, size: int = 10) -> Rejection:
    return Rejection("/users", f"{n}", "T.v1", "unknown type", b"%0*d" % (size, n), "unknown_type", "type")


async def ids(tenant: StoreTenant) -> list[str]:
    rows = await tenant.pool.fetch("select event_id from quarantine where tenant = $1 order by id", tenant.name)
    return [row["event_id"] for row in rows]


async def test_newest_events_of_a_key_are_not_kept_beyond_its_limit(tenant: StoreTenant) -> None:
    limits = QuarantineLimits(events=3)
    assert await keep(tenant.pool, tenant.name, rejection(1), rejection(2), limits=limits) == []
    assert await keep(tenant.pool, tenant.name, rejection(3), rejection(4), rejection(5), limits=limits) == [1, 2]
    assert await ids(tenant) == ["1", "2", "3"]


async def test_limit_in_bytes_holds_as_well(tenant: StoreTenant) -> None:
    limits = QuarantineLimits(bytes=250)
    found = await keep(tenant.pool, tenant.name, *(rejection(n, 100) for n in range(4)), limits=limits)
    assert (found, await ids(tenant)) == ([2, 3], ["0", "1"])


async def test_repeat_of_a_kept_event_counts_though_the_limit_is_reached(tenant: StoreTenant) -> None:
    limits = QuarantineLimits(events=1)
    await keep(tenant.pool, tenant.name, rejection(1), limits=limits)
    assert await keep(tenant.pool, tenant.name, rejection(2), rejection(1), rejection(2), limits=limits) == [0, 2]
    assert await tenant.pool.fetchval("select times from quarantine where tenant = $1", tenant.name) == 2


async def test_full_quarantine_of_one_key_takes_events_of_others(tenant: StoreTenant) -> None:
    limits = QuarantineLimits(events=1)
    await keep(tenant.pool, tenant.name, rejection(1), rejection(2), sender="loud", limits=limits)
    assert await keep(tenant.pool, tenant.name, rejection(3), sender="other", limits=limits) == []
    assert await ids(tenant) == ["1", "3"]


async def test_what_leaves_makes_room_again_and_what_was_missed_is_counted(tenant: StoreTenant) -> None:
    limits = QuarantineLimits(events=1)
    await keep(tenant.pool, tenant.name, rejection(1), rejection(2), limits=limits)
    await tenant.pool.execute("delete from quarantine where tenant = $1", tenant.name)
    assert await keep(tenant.pool, tenant.name, rejection(2), limits=limits) == []
    row = await tenant.pool.fetchrow("select events, not_kept from quarantine_senders where tenant = $1", tenant.name)
    assert row is not None
    assert tuple(row) == (1, 1)


async def test_recorder_names_the_facts_that_are_not_kept(tenant: StoreTenant) -> None:
    recorder = Recorder(tenant.pool, tenant.catalog, kept=QuarantineLimits(events=1))
    await tenant.record(event("GroupCreated", "g", name="g"), event("GroupCreated", "h", name="h"))
    others = [event("GroupCreated", "g", name="other"), event("GroupCreated", "h", name="other")]
    entries = [recorded_entry(tenant.catalog, one) for one in others]
    answer = await recorder.record(tenant.name, entries, [rejection(1)], actor="one")
    assert (answer.rejected_not_kept, answer.not_kept, sorted(answer.refused)) == (set(), {0, 1}, [0, 1])
    assert await ids(tenant) == ["1"]
