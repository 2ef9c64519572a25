"""Operations on merged entities: by any of their keys, and with the keys that owners have stated."""

import pytest

from messages.operation_reasons import describe_operation
from store.operations import cascades, children_to_request, links, listings, moves, plans
from store.operations.listings import OperationQuery
from store.operations.plan_scope import PlanRequest
from tests.support.events import event
from tests.support.people import PEOPLE, merged, unmerged
from tests.support.tenants import StoreTenant


@pytest.fixture
async def people(tenant: StoreTenant) -> StoreTenant:
    """Two profiles, each with a ticket, of which ann is merged into anne."""
    await tenant.record(*PEOPLE)
    await tenant.record(merged("anne", "ann"))
    return tenant


async def candidates(tenant: StoreTenant) -> list[tuple[str, str]]:
    """(ticket, person that its removal is conditional on) of the next page of the sweep of anne, which has begun."""
    at = tenant.pool, tenant.catalog, tenant.name
    await cascades.advance(*at, "person", "anne")
    (row,), _ = await listings.operations_page(tenant.pool, tenant.name, OperationQuery("cascade"), None, 10)
    relationship = tenant.catalog.relationship("person_ticket")
    page = await children_to_request.next_page(*at, row.id, relationship, "", 10, repeat=False)
    return [] if page is None else [(c.child.key, c.parent) for c in page.candidates]


async def test_deleted_survivor_takes_the_children_of_all_its_keys(people: StoreTenant) -> None:
    await people.record(event("PersonDeleted", "anne", 30))
    assert await candidates(people) == [("t1", "ann"), ("t2", "anne")]


async def test_deleted_loser_takes_no_children(people: StoreTenant) -> None:
    await people.record(event("PersonDeleted", "ann", 30))
    await cascades.advance(people.pool, people.catalog, people.name, "person", "ann")
    rows, _ = await listings.operations_page(people.pool, people.name, OperationQuery("cascade"), None, 10)
    assert [row for row in rows if row.state == "running"] == []


async def test_children_that_an_undone_merge_gives_back_are_left_alone(people: StoreTenant) -> None:
    await people.record(event("PersonDeleted", "anne", 30))
    await candidates(people)
    await people.record(unmerged("anne", "ann", sequence=40))
    assert await candidates(people) == [("t2", "anne")]


async def test_undone_merge_sweeps_nothing_of_a_loser_that_was_retired(people: StoreTenant) -> None:
    at = people.pool, people.catalog, people.name
    await people.record(event("PersonDeleted", "ann", 30))
    await people.record(unmerged("anne", "ann", sequence=40))
    await cascades.advance(*at, "person", "ann")
    await people.record(event("TicketOpened", "late", subject="Late", person_id="ann"))
    await cascades.advance(*at, "person", "ann")
    (row,), _ = await listings.operations_page(people.pool, people.name, OperationQuery("cascade"), None, 10)
    assert (row.state, row.ended_because) == ("cancelled", "retired")
    assert "was deleted while it was merged into 'anne', so its children stay" in describe_operation(row)
    assert b"link|person_ticket|t1|ann|broken" in await people.lines()
    assert (await people.audit()).violated == []


async def test_loser_that_is_created_again_and_deleted_after_the_merge_is_swept(people: StoreTenant) -> None:
    at = people.pool, people.catalog, people.name
    await people.record(event("PersonDeleted", "ann", 30))
    await people.record(unmerged("anne", "ann", sequence=40), event("PersonCreated", "ann", 41, name="Ann"))
    await cascades.advance(*at, "person", "ann")
    await people.record(event("PersonDeleted", "ann", 42))
    await cascades.advance(*at, "person", "ann")
    rows, _ = await listings.operations_page(people.pool, people.name, OperationQuery("cascade"), None, 10)
    assert [row.state for row in rows if row.key == "ann"][:1] == ["running"]


async def test_move_leads_to_the_survivor(people: StoreTenant) -> None:
    relationship = people.catalog.relationship("person_ticket")
    row = await moves.start(
        people.pool, people.name, relationship, child="t2", to="ann", actor="test", idempotency_key="k"
    )
    assert (row.child, row.parent) == ("t2", "anne")


async def test_unlink_names_what_the_owner_stated(people: StoreTenant) -> None:
    relationship = people.catalog.relationship("person_ticket")
    row = await links.start(
        people.pool,
        people.name,
        relationship,
        kind="unlink",
        parent=None,
        child="t1",
        actor="test",
        idempotency_key="k",
    )
    await links.finish_ready(people.pool, people.catalog, people.name, relationship, row.parent or "")
    lines = await people.lines()
    assert [line for line in lines if line.startswith(b"link|person_ticket|t1|")] == []


async def test_plan_of_a_loser_is_that_of_its_survivor(people: StoreTenant) -> None:
    request = PlanRequest("move", relationship="person_ticket", parent="ann", to="bob")
    await people.record(event("PersonCreated", "bob", 1, name="Bob"))
    plan = await plans.create(people.pool, people.catalog, people.name, request, "test")
    assert (plan.request.parent, [(part.relationship, part.children) for part in plan.parts]) == (
        "anne",
        [("person_ticket", 2)],
    )
