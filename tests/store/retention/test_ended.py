"""Which ended work is deleted, and which stays."""

import pytest

from tests.store.retention.conftest import Trimmer
from tests.support.events import event

OPERATION = """
    insert into operations (tenant, id, kind, workflow, about, key, state, actor, created_at, ended_at)
    values ('main', $1, 'cascade', $2, 'group', $1, $3, 'test', clock_timestamp(),
            case when $3 not in ('waiting', 'requested', 'running') then clock_timestamp() end)
"""


async def operation(trimmer: Trimmer, id: str, state: str, workflow: str = "cascade") -> None:
    """Adds an operation with two children, an Idempotency-Key and a plan."""
    execute = trimmer.pool.execute
    await execute(OPERATION, id, workflow, state)
    await execute(
        "insert into operation_children (tenant, operation, relationship, child, parent, state)"
        " select 'main', $1, 'r', c, 'p', 'confirmed' from unnest('{c1,c2}'::text[]) as c",
        id,
    )
    await execute("insert into idempotency_keys values ('main', 'me', $1, 'x', $1, 2)", id)
    await execute(
        "insert into plans (tenant, id, kind, request, revision, hash, report, actor, created_at, operation)"
        " values ('main', $1, 'detach', '{}', 1, '', '{}', 'me', clock_timestamp(), $1)",
        id,
    )


@pytest.mark.parametrize("state", ["done", "refused", "expired", "superseded"])
async def test_an_ended_operation_goes_with_all_that_belongs_to_it(trimmer: Trimmer, state: str) -> None:
    await operation(trimmer, "o", state)
    await trimmer.trim()
    assert await trimmer.rows("operations") == 1, "it ended just now"
    await trimmer.age_and_trim()
    for table in ("operations", "operation_children", "idempotency_keys", "plans"):
        assert await trimmer.rows(table) == 0, table


@pytest.mark.parametrize("state", ["waiting", "requested", "running", "incomplete", "cancelled"])
async def test_an_operation_that_may_go_on_stays(trimmer: Trimmer, state: str) -> None:
    await operation(trimmer, "o", state)
    await trimmer.age_and_trim()
    for table, rows in {"operations": 1, "operation_children": 2, "idempotency_keys": 1, "plans": 1}.items():
        assert await trimmer.rows(table) == rows, table


async def test_bodies_of_requests_go_once_nothing_older_is_waited_for(trimmer: Trimmer) -> None:
    await trimmer.tenant.record(event("GroupCreated", "g", name="g"))
    await trimmer.pool.execute("update waits set workflow_started_at = clock_timestamp()")
    await trimmer.pool.execute("insert into request_bodies values ('main', 'k', '{}')")
    await trimmer.pool.execute(
        "insert into request_bodies values ('main', 'older', '{}', clock_timestamp() - '1 d'::interval)"
    )
    await trimmer.age_and_trim()
    assert await trimmer.pool.fetchval("select array_agg(idempotency_key) from request_bodies") == ["k"]
    await trimmer.pool.execute("delete from waits")
    await trimmer.trim()
    assert await trimmer.rows("request_bodies") == 0


async def test_quarantined_events_go_once_they_are_old(trimmer: Trimmer) -> None:
    for received in ("0 h", "2 h"):
        await trimmer.pool.execute(
            "insert into quarantine (tenant, digest, reason, raw, received)"
            " values ('main', $1, 'r', '', clock_timestamp() - $2::text::interval)",
            received.encode(),
            received,
        )
    await trimmer.trim()
    assert await trimmer.pool.fetchval("select array_agg(digest) from quarantine") == [b"0 h"]
