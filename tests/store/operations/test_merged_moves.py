"""Moves and explicit links to a parent that is merged before they end: they go on to the entity that it has become."""

import pytest

from store.db.pool import Pool
from store.operations import links, moves
from tests.support.events import Event, event
from tests.support.people import merged
from tests.support.tenants import CATALOG, StoreTenant

PERSON_TICKET = CATALOG.relationship("person_ticket")
TICKET = event("TicketOpened", "t", 1, subject="s", person_id="x")
RETIRED = [merged("a", "b"), event("PersonDeleted", "b", 2)]


@pytest.mark.parametrize(
    ("first", "then"), [([], [*RETIRED, TICKET]), ([TICKET], RETIRED)], ids=["before its request", "after its request"]
)
async def test_move_to_a_record_that_is_retired_goes_to_the_survivor(
    pool: Pool, first: list[Event], then: list[Event]
) -> None:
    tenant = StoreTenant(pool, CATALOG)
    at = pool, tenant.name, PERSON_TICKET
    await tenant.record(*(event("PersonCreated", key, 1, name=key) for key in "abx"), *first)
    row = await moves.start(*at, child="t", to="b", actor="test", idempotency_key=None)
    assert (await moves.advance(*at, "t")).requested is (first == [TICKET])
    await tenant.record(*then)
    assert (await moves.advance(*at, "t")).requested
    request = await moves.pending_request(*at, row.id)
    assert request is not None
    assert (request.target, request.expected_parent) == ("a", "x")
    await tenant.record(event("TicketAssigned", "t", 2, person_id="a"))
    assert (await moves.advance(*at, "t")).operation is None
    state = await pool.fetchval("select state from operations where tenant = $1 and id = $2", tenant.name, row.id)
    assert state == "done"


CREATED = event("PersonCreated", "a", 1, name="a")


@pytest.mark.parametrize(
    ("known", "then"),
    [
        ([CREATED], [merged("a", "b")]),
        ([merged("a", "b")], [CREATED]),
        ([CREATED, merged("u", "b")], [merged("a", "u")]),
    ],
    ids=["merge", "creation", "merge of the unknown survivor"],
)
async def test_what_waits_for_a_merged_key_ends_at_its_survivor(
    pool: Pool, known: list[Event], then: list[Event]
) -> None:
    tenant = StoreTenant(pool, CATALOG)
    at = pool, tenant.name, PERSON_TICKET
    await tenant.record(event("PersonCreated", "x", 1, name="x"), TICKET)
    link = await links.start(*at, kind="link", child="t", parent="b", actor="test", idempotency_key=None)
    move = await moves.start(*at, child="t", to="b", actor="test", idempotency_key=None)
    await tenant.record(*known)
    await pool.execute("delete from outbox where tenant = $1", tenant.name)
    await tenant.record(*then)
    notified = await pool.fetch("select workflow, key from outbox where tenant = $1", tenant.name)
    assert {("relationship", "b"), ("move", "t")} <= {tuple(row) for row in notified}
    assert (await moves.advance(*at, "t")).requested
    await links.finish_ready(pool, CATALOG, tenant.name, PERSON_TICKET, "b")
    assert (await moves.advance(*at, "t")).operation is None
    rows = await pool.fetch("select id, state from operations where tenant = $1", tenant.name)
    assert {row["id"]: row["state"] for row in rows} == {link.id: "done", move.id: "done"}
    stated = await pool.fetchrow(
        "select parent, stated_parent from links where tenant = $1 and child = 't' and to_revision = $2",
        tenant.name, 2**63 - 1,
    )  # fmt: skip
    assert stated is not None
    assert tuple(stated) == ("a", "b")
