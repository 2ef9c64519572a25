"""This version continues the work of an earlier one, and reaches the end state that the earlier one reached itself.

The fixture in ``before`` is the data of the earlier version, dumped while waits were open, cascades under way and
owners unavailable. Temporal's state is lost: rows must restart everything.
"""

import asyncpg
import pytest

from catalog.catalog import Catalog
from errors import KeyReused
from store.audit.verify import verify
from store.db import credentials
from store.db.pool import Pool
from store.operations import deletions, links, moves
from tests.support.eventually import eventually
from tests.takeover import after_takeover, end_state, load
from tests.takeover.before import coverage
from tests.takeover.environment import MAIN, SOUTH, Environment, numbered_ids
from tests.takeover.rows import State

pytestmark = pytest.mark.stack

DEADLINE = 60.0
"""Seconds; a few are enough on an idle machine."""
ADMIN_OF_MAIN = "test-key-of-an-administrator-of-main"
READER_OF_SOUTH = "test-key-of-a-reader-of-south"
REVOKED = "test-key-that-was-revoked"


async def reach(environment: Environment, expected: State) -> None:
    """Returns when the state is the expected one; fails with the difference if it does not become that."""
    expected, state = end_state.comparable(expected), {}

    async def is_reached() -> bool:
        nonlocal state
        state = end_state.comparable(await end_state.read(environment))
        return state == expected

    try:
        await eventually(is_reached, DEADLINE)
    except AssertionError:
        pytest.fail(end_state.difference(expected, state), pytrace=False)


async def settle_down(environment: Environment) -> None:
    """Returns when every workflow that should be open is open and has processed all that it was sent."""

    async def is_idle() -> bool:
        return not await environment.is_busy()

    await environment.main.dispatcher.check()
    await eventually(is_idle, DEADLINE)


async def check_audit(pool: Pool, catalog: Catalog) -> None:
    """Asserts that ``tether verify --rebuild`` finds nothing wrong."""
    report = await verify(pool, catalog, rebuild=True)
    assert [found.tenant for found in report.tenants] == [MAIN, SOUTH]
    for found in report.tenants:
        assert found.violated == []
        assert found.ledger == found.tables


def operation_of_key(tenant: str, key: str) -> str:
    """The id of the operation that a caller's recorded Idempotency-Key stands for."""
    return str(load.expected()["tenants"][tenant]["requests"][f"test {key}"])


async def test_recorded_data_contain_every_kind_of_work(recorded_url: str) -> None:
    conn = await asyncpg.connect(recorded_url, server_settings={"search_path": "tether"})
    found = await coverage.contents(conn)
    await conn.close()
    assert found == coverage.CONTENTS


async def test_work_of_earlier_version_reaches_its_end_state(environment: Environment) -> None:
    expected = load.expected()
    with numbered_ids("2"):
        async with environment.working():
            await after_takeover.continue_work(environment)
            await reach(environment, expected)
            await settle_down(environment)
            await reach(environment, expected)
    await check_audit(environment.main.pool, environment.main.catalog)


def test_no_request_has_two_effects_in_expected_end_state() -> None:
    owners = load.expected()["owners"].values()
    assert max(effects for owner in owners for effects in owner["effects"].values()) == 1


@pytest.mark.parametrize(
    ("key", "parent", "child"),
    [("link-easel", "studio", "easel"), ("link-rug", "kitchen", "rug"), ("link-vase", "kitchen", "vase")],
)
async def test_repeated_link_request_returns_its_operation(
    pool: Pool, catalog: Catalog, key: str, parent: str, child: str
) -> None:
    by = catalog.relationship("category_item")
    row = await links.start(pool, MAIN, by, kind="link", parent=parent, child=child, actor="test", idempotency_key=key)
    assert row.id == operation_of_key(MAIN, key)


@pytest.mark.parametrize(
    ("tenant", "team", "to"),
    [(MAIN, "m0", "cup"), (MAIN, "m1", "future"), (MAIN, "m2", "cup"), (MAIN, "m4", "cup"), (SOUTH, "s1", "nowhere")],
)
async def test_repeated_move_request_returns_its_operation(
    pool: Pool, catalog: Catalog, tenant: str, team: str, to: str
) -> None:
    by, key = catalog.relationship("event_team"), f"move-{team}"
    row = await moves.start(pool, tenant, by, child=team, to=to, actor="test", idempotency_key=key)
    assert row.id == operation_of_key(tenant, key)


@pytest.mark.parametrize(("kind", "key"), [("channel", "lounge"), ("event", "winter")])
async def test_repeated_deletion_request_returns_its_operation(
    pool: Pool, catalog: Catalog, kind: str, key: str
) -> None:
    row = await deletions.start(pool, catalog, MAIN, kind, key, actor="test", idempotency_key=f"delete-{key}")
    assert row.id == operation_of_key(MAIN, f"delete-{key}")


async def test_idempotency_keys_still_refuse_another_request(pool: Pool, catalog: Catalog) -> None:
    by = catalog.relationship("event_team")
    with pytest.raises(KeyReused):
        await moves.start(pool, MAIN, by, child="m1", to="cup", actor="test", idempotency_key="move-m1")


async def test_api_keys_keep_their_tenant_and_scope(pool: Pool) -> None:
    admin = await credentials.find(pool, ADMIN_OF_MAIN)
    reader = await credentials.find(pool, READER_OF_SOUTH)
    assert admin is not None
    assert reader is not None
    assert (admin.tenant, admin.may_operate()) == (MAIN, True)
    assert (reader.tenant, reader.may_read(), reader.may_operate()) == (SOUTH, True, False)
    assert await credentials.find(pool, REVOKED) is None


async def test_migrated_tables_hold_what_the_ledger_says(pool: Pool, catalog: Catalog) -> None:
    await check_audit(pool, catalog)
