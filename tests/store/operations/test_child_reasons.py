"""The codes and values that are stored with children which are skipped or parked."""

from datetime import datetime
from typing import Any

import pytest

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from messages.child_reasons import ParkReason, describe_child
from store.db.pool import Pool, transaction
from store.operations import children, children_to_request, listings, operations
from store.operations.children import ChildOutcome
from store.operations.children_to_request import Candidate
from store.operations.operations import NewOperation
from store.write.entity_state import FoldedEntity
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder, store_outcomes

NO_REASON = {"skip_reason": None, "park_reason": None, "details": None, "reported_missing": False, "last_error": ""}
RESTRICTED = ParkReason("restricted", {"kind": "team", "key": "t"})
GONE = ChildOutcome("t", "e", "requested", b"r", "no t", counted=True, reported_missing=True)
PARKED = ChildOutcome("t", "e", "parked", b"r", "no", park_reason=RESTRICTED)


@pytest.fixture
async def operation(pool: Pool, facts: FactRecorder) -> str:
    """Id of a cascade that is running; its event is deleted, and the team ``t`` is still in it."""
    await facts.record(event("EventCreated", "e", 1, name="x"), event("TeamCreated", "t", 1, name="x", event_id="e"))
    wanted = NewOperation(kind="cascade", workflow="cascade", about="event", key="e", state="running")
    async with transaction(pool) as conn:
        return (await operations.insert(conn, TENANT, wanted, OWN_SOURCE)).id


async def stored(pool: Pool) -> dict[str, Any]:
    """The state of the child ``t``, and the columns about its reason."""
    row = await pool.fetchrow(
        "select state, skip_reason, park_reason, details, reported_missing, last_error from operation_children"
    )
    assert row is not None
    return dict(row)


async def test_outcome_is_stored_with_its_reason_or_reply(pool: Pool, operation: str) -> None:
    await store_outcomes(pool, operation, "event_team", [GONE])
    assert await stored(pool) == NO_REASON | {"state": "requested", "reported_missing": True, "last_error": "no t"}
    await store_outcomes(pool, operation, "event_team", [PARKED])
    assert await stored(pool) == NO_REASON | {
        "state": "parked", "park_reason": "restricted", "details": {"kind": "team", "key": "t"}, "last_error": "no",
    }  # fmt: skip


@pytest.mark.parametrize("outcome", [GONE, ChildOutcome("t", "e", "failing", b"r", "answered 500", counted=True)])
async def test_thirtieth_counted_attempt_parks_the_child_as_exhausted(
    pool: Pool, operation: str, outcome: ChildOutcome
) -> None:
    for _ in range(29):
        await store_outcomes(pool, operation, "event_team", [outcome])
    assert (await stored(pool))["park_reason"] is None
    await store_outcomes(pool, operation, "event_team", [outcome])
    now = await stored(pool)
    assert (now["state"], now["park_reason"]) == ("parked", "attempts_exhausted")
    assert now["last_error"] == outcome.last_error


async def test_overdue_child_is_parked_with_the_time_of_its_request(
    pool: Pool, catalog: Catalog, operation: str
) -> None:
    await store_outcomes(pool, operation, "event_team", [GONE])
    requested = await pool.fetchval(
        "update operation_children set changed_at = changed_at - interval '30 days' returning changed_at"
    )
    async with transaction(pool) as conn:
        row = await operations.find(pool, TENANT, operation)
        await children.settle(conn, catalog, TENANT, row)
    (child,), _ = await listings.children_page(pool, TENANT, operation, "parked", None, 10)
    assert child.park_reason == "not_confirmed"
    assert child.details is not None
    assert datetime.fromisoformat(child.details["since"]) == requested
    said = f"requested at {requested:%Y-%m-%d %H:%M} UTC, and no fact has confirmed it: no t"
    assert describe_child(child) == said


async def test_redrive_clears_why_a_child_was_parked(pool: Pool, operation: str) -> None:
    await store_outcomes(pool, operation, "event_team", [PARKED])
    await operations.redrive(pool, TENANT, operation)
    assert await stored(pool) == NO_REASON | {"state": "failing"}


async def test_child_that_left_its_parent_has_no_reason_any_more(
    pool: Pool, catalog: Catalog, facts: FactRecorder, operation: str
) -> None:
    await store_outcomes(pool, operation, "event_team", [PARKED])
    await facts.record(event("TeamMoved", "t", 2, event_id="f"))
    async with transaction(pool) as conn:
        await children.settle(conn, catalog, TENANT, await operations.find(pool, TENANT, operation))
    assert await stored(pool) == NO_REASON | {"state": "skipped"}


async def test_parked_child_of_an_ended_operation_keeps_its_reason(pool: Pool, operation: str) -> None:
    await store_outcomes(pool, operation, "event_team", [PARKED])
    async with transaction(pool) as conn:
        await children.skip_unrequested(conn, TENANT, operation)
    now = await stored(pool)
    assert (now["state"], now["park_reason"], now["last_error"]) == ("skipped", "restricted", "no")
    assert now["skip_reason"] == "parent_deleted_again"
    again = Candidate(FoldedEntity("team", "t"), "e", b"s", b"s", 1, 0)
    await children_to_request.begin(pool, TENANT, operation, "event_team", [again])
    assert await stored(pool) == NO_REASON | {"state": "planned"}
