"""Groups of quarantined events by cause: their sums are those of the events, whatever comes and goes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from facts.ingest import Rejection
from messages.quarantine_reasons import Cause
from store.db.pool import connection
from store.quarantine import listings
from store.quarantine.listings import EventFilter
from tests.support.quarantined import keep
from tests.support.tenants import StoreTenant, in_a_database

ALL = EventFilter()
SUMS = "select type, code, field, events, bytes from quarantine_groups where tenant = $1 order by 1, 2, 3"
COUNTED = """
    select cause_type, code, field, count(*), sum(octet_length(raw)) from quarantine where tenant = $1
    group by 1, 2, 3 order by 1, 2, 3
"""
SENDERS = "select actor, events, bytes from quarantine_senders where tenant = $1 and events > 0 order by 1"
COUNTED_SENDERS = (
    "select actor, count(*), sum(octet_length(raw)) from quarantine where tenant = $1 group by 1 order by 1"
)


def rejection(n: int, type: str = "UserCreated.v2", code: str = "unknown_type", field: str = "type") -> Rejection:
    return Rejection("/users", f"{n}", type, f"{code} {field}", b'{"n": %d}' % n, code, field)


async def groups(tenant: StoreTenant, wanted: EventFilter = ALL, limit: int = 100) -> list[listings.QuarantineGroup]:
    found: list[listings.QuarantineGroup] = []
    async with connection(tenant.pool) as conn:
        some, after = await listings.groups(conn, tenant.name, wanted, None, limit)
        found += some
        while after is not None:
            some, after = await listings.groups(conn, tenant.name, wanted, after, limit)
            found += some
    return found


async def rows(tenant: StoreTenant, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await tenant.pool.fetch(query, tenant.name)]


async def test_events_are_grouped_by_type_code_and_field(tenant: StoreTenant) -> None:
    await keep(tenant.pool, tenant.name, *(rejection(n) for n in range(5)))
    await keep(tenant.pool, tenant.name, rejection(9, "UserCreated.v1", "field_missing", "email"))
    found = await groups(tenant)
    assert [(one.cause, one.events) for one in found] == [
        (Cause("UserCreated.v1", "field_missing", "email"), 1),
        (Cause("UserCreated.v2", "unknown_type", "type"), 5),
    ]
    assert [sample.event_id for sample in found[1].samples] == ["4", "3", "2"]
    assert found[1].first_seen <= found[1].last_seen


async def test_groups_come_in_pages_and_by_filters(tenant: StoreTenant) -> None:
    await keep(
        tenant.pool, tenant.name, *(rejection(n, f"T{n}.v1") for n in range(5)), rejection(9, "T1.v1", "other", "")
    )
    assert [one.cause for one in await groups(tenant, limit=2)] == [one.cause for one in await groups(tenant)]
    assert [one.cause.code for one in await groups(tenant, EventFilter("T1.v1"))] == ["other", "unknown_type"]
    assert [one.cause.type for one in await groups(tenant, EventFilter(code="other"))] == ["T1.v1"]


async def test_trend_counts_what_was_received_in_each_hour_and_day(tenant: StoreTenant) -> None:
    await keep(tenant.pool, tenant.name, rejection(1), rejection(2))
    for ago in ("1 hour", "23 hours", "24 hours", "6 days 23 hours", "7 days"):
        await tenant.pool.execute(
            "insert into quarantine_hours select tenant, type, code, field, hour - $2::text::interval, 1"
            " from quarantine_hours where tenant = $1 and hour = date_trunc('hour', clock_timestamp())",
            tenant.name,
            ago,
        )
    await keep(tenant.pool, tenant.name, rejection(1))  # a repeat counts, too
    (found,) = await groups(tenant)
    assert found.per_hour == [1] + [0] * 21 + [1, 3]
    assert found.per_day == [1, 0, 0, 0, 0, 1, 5]


async def test_group_without_events_is_gone_with_its_trend(tenant: StoreTenant) -> None:
    await keep(tenant.pool, tenant.name, rejection(1), rejection(2, "T.v1"))
    await tenant.pool.execute("delete from quarantine where type = 'T.v1'")
    assert [one.cause.type for one in await groups(tenant)] == ["UserCreated.v2"]
    assert await rows(tenant, "select type from quarantine_hours where tenant = $1") == [("UserCreated.v2",)]


CAUSES = st.sampled_from([("A.v1", "unknown_type", "type"), ("A.v1", "field_missing", "x"), ("B.v1", "other", "")])
CHANGES = st.lists(
    st.tuples(st.just("keep"), st.lists(st.tuples(st.integers(0, 9), CAUSES), min_size=1, max_size=6))
    | st.tuples(st.just("delete"), st.sets(st.integers(0, 9)))
    | st.tuples(st.just("empty"), st.sets(st.integers(0, 9))),
    max_size=6,
)


@in_a_database
@given(changes=CHANGES)
async def test_sums_are_those_of_the_events_after_any_changes(tenant: StoreTenant, changes: list[Any]) -> None:
    one = tenant.other_tenant()
    for sender, (what, given_) in enumerate(changes):
        ids = [f"{n}" for n in given_] if what != "keep" else []
        if what == "keep":
            events = [rejection(n, *cause) for n, cause in given_]
            await keep(one.pool, one.name, *events, sender=f"key {sender % 2}")
        elif what == "delete":
            await one.pool.execute("delete from quarantine where tenant = $1 and event_id = any($2)", one.name, ids)
        else:
            await one.pool.execute(
                "update quarantine set raw = '', code = 'erased', field = '' where tenant = $1 and event_id = any($2)",
                one.name,
                ids,
            )
    assert await rows(one, SUMS) == await rows(one, COUNTED)
    assert await rows(one, SENDERS) == await rows(one, COUNTED_SENDERS)
