"""What operations say about an entity that was deleted, or deleted and created again, while they were under way."""

import pytest

from catalog.catalog import Catalog
from errors import Conflict, PlanOutdated
from messages.child_reasons import describe_child
from messages.operation_reasons import describe_operation
from store.db.pool import Pool
from store.operations import cascades, children_to_request, deletions, listings, moves, operations, plans
from store.operations.operations import Impossible
from store.operations.plan_scope import PlanRequest
from tests.support.events import Event, event
from tests.support.recording import TENANT, FactRecorder

Batches = list[list[Event]]


def histories(kind: str, key: str) -> dict[str, Batches]:
    """What may be recorded about an entity whose creation, with sequence 4, is known: name → batches of facts."""
    created = event(f"{kind}Created", key, 6, name="again", **({"event_id": "a"} if kind == "Team" else {}))
    deleted, older = event(f"{kind}Deleted", key, 5), event(f"{kind}Deleted", key, 2)
    return {
        "nothing": [],
        "an older deletion": [[older]],
        "deleted": [[deleted]],
        "deleted twice": [[deleted], [event(f"{kind}Deleted", key, 7)]],
        "recreated": [[deleted], [created]],
        "recreated in one batch": [[deleted, created]],
        "recreated in reverse": [[created], [deleted]],
        "recreated and deleted": [[deleted], [created], [event(f"{kind}Deleted", key, 7)]],
    }


SAYS = {
    "nothing": "",
    "an older deletion": "",
    "deleted": "is deleted",
    "deleted twice": "is deleted",
    "recreated": "was deleted and created again",
    "recreated in one batch": "was deleted and created again",
    "recreated in reverse": "was deleted and created again",
    "recreated and deleted": "is deleted",
}
"""History of an entity since a request → what is said about it."""


@pytest.fixture(autouse=True)
async def known(facts: FactRecorder) -> None:
    """Two events, and a team in the first; an earlier life of each may have ended by the fact with sequence 2."""
    await facts.record(
        event("EventCreated", "a", 4, name="a"),
        event("EventCreated", "b", 4, name="b"),
        event("TeamCreated", "t", 4, name="t", event_id="a"),
    )


async def record(facts: FactRecorder, kind: str, key: str, history: str) -> None:
    """Records a history of an entity, batch by batch."""
    for batch in histories(kind, key)[history]:
        await facts.record(*batch)


@pytest.mark.parametrize("history", SAYS)
async def test_move_says_whether_its_child_was_recreated(
    pool: Pool, catalog: Catalog, facts: FactRecorder, history: str
) -> None:
    relationship = catalog.relationship("event_team")
    row = await moves.start(pool, TENANT, relationship, child="t", to="b", actor="test", idempotency_key=None)
    assert (await moves.advance(pool, TENANT, relationship, "t")).requested
    await record(facts, "Team", "t", history)
    said = f"team t {SAYS[history]}" if SAYS[history] else ""
    before_request = ""
    try:
        await moves.pending_request(pool, TENANT, relationship, row.id)
    except Impossible as error:
        before_request = str(error)
    assert before_request == said
    await moves.advance(pool, TENANT, relationship, "t")
    assert describe_operation(await operations.find(pool, TENANT, row.id)) == said


@pytest.mark.parametrize("history", SAYS)
async def test_deletion_says_whether_its_entity_was_recreated(
    pool: Pool, catalog: Catalog, facts: FactRecorder, history: str
) -> None:
    at = pool, catalog, TENANT, "event", "b"
    row = await deletions.start(*at, actor="test", idempotency_key=None)
    await record(facts, "Event", "b", history)
    await cascades.advance(*at)
    row = await operations.find(pool, TENANT, row.id)
    ended = SAYS[history] != ""
    assert row.state == ("done" if ended else "waiting")
    recreated = SAYS[history] == "was deleted and created again"
    assert describe_operation(row) == ("the event was deleted and created again since the request" if recreated else "")


@pytest.mark.parametrize("history", SAYS)
async def test_plan_says_whether_its_target_was_recreated(
    pool: Pool, catalog: Catalog, facts: FactRecorder, history: str
) -> None:
    at = pool, catalog, TENANT
    plan = await plans.create(*at, PlanRequest("move", relationship="event_team", parent="a", to="b"), "test")
    await record(facts, "Event", "b", history)
    # A plan knows lives by their names, and a deletion older than the creation that is known renames none.
    said = "" if history == "recreated in reverse" else SAYS[history].replace("created again", "recreated")
    says = ""
    try:
        await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)
    except (Conflict, PlanOutdated) as error:
        says = str(error)
    assert said in says
    assert bool(said) == bool(says)


@pytest.mark.parametrize("history", SAYS)
async def test_child_of_a_plan_is_skipped_as_recreated_only_if_it_was(
    pool: Pool, catalog: Catalog, facts: FactRecorder, history: str
) -> None:
    at = pool, catalog, TENANT
    plan = await plans.create(*at, PlanRequest("detach", relationship="event_team", parent="a"), "test")
    await record(facts, "Team", "t", history)
    row = await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)
    page = await children_to_request.next_page(*at, row.id, catalog.relationship("event_team"), "", 10, repeat=False)
    assert page is not None
    assert [candidate.child.key for candidate in page.candidates] == ([] if SAYS[history] else ["t"])
    skipped, _ = await listings.children_page(pool, TENANT, row.id, "skipped", None, 10)
    recreated = SAYS[history] == "was deleted and created again"
    assert [describe_child(child) for child in skipped] == (["it was deleted and created again"] if recreated else [])
