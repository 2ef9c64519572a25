"""Facts that an operator takes back: the state is then what the other facts say."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.registry import OWN_SOURCE
from errors import Conflict, Unknown
from store.operations import cascades, children_to_request, deletions, listings, moves, voids
from store.operations.listings import OperationQuery
from store.operations.operations import Impossible
from tests.support.events import Event, event, link_event
from tests.support.strategies import deliver, histories
from tests.support.tenants import StoreTenant, cut_into_batches, expected_lines, expected_waits, in_a_database

KINDS = {"/groups": "group", "/channels": "channel", "/categories": "category", "/items": "item", "/events": "event"}
KINDS |= {"/teams": "team"}


async def void(tenant: StoreTenant, fact: Event) -> int:
    kind, key = KINDS[fact["source"]], fact["subject"]
    source, id = fact["source"], fact["id"]
    return await voids.void(tenant.pool, tenant.catalog, tenant.name, kind, key, source, id, "a mistake", "test")


@in_a_database
@given(events=histories().filter(bool), seed=st.integers(0, 2**32), most=st.integers(1, 9), share=st.floats(0.0, 1.0))
async def test_state_is_that_of_the_facts_that_are_not_void(
    tenant: StoreTenant, events: list[Event], seed: int, most: int, share: float
) -> None:
    one, random = tenant.other_tenant(), Random(seed)
    delivered = deliver(seed, events)
    half = len(delivered) // 2
    await one.record_batches(cut_into_batches(random, delivered[:half], most))
    known = {(fact["source"], fact["id"]): fact for fact in delivered[:half]}
    gone = [identity for identity in known if random.random() < share]
    for identity in gone:
        await void(one, known[identity])
    await one.record_batches(cut_into_batches(random, delivered[half:], most))
    left = [fact for fact in events if (fact["source"], fact["id"]) not in gone]
    assert await one.lines() == expected_lines(one.catalog, left)
    assert await one.waits() == expected_waits(one.catalog, left)
    report = await one.audit()
    assert (report.violated, report.ledger) == ([], report.tables)


async def test_children_wait_again_for_a_parent_all_of_whose_facts_are_void(tenant: StoreTenant) -> None:
    parent = event("CategoryAdded", "k", 1, name="k")
    await tenant.record_batches([[event("ItemAdded", "i", 1, name="i", category="k")], [parent]])
    assert await tenant.waits() == {}
    await void(tenant, parent)
    assert b"link|category_item|i|k|waiting" in await tenant.lines()
    assert [tuple(wait[:3]) for wait in await tenant.waits()] == [("category_item", "k", "parent")]
    await tenant.record(event("CategoryAdded", "k", 2, name="k"))
    assert b"link|category_item|i|k|linked" in await tenant.lines()


async def test_far_sequence_by_mistake_can_be_taken_back(tenant: StoreTenant) -> None:
    far = event("ItemUpdated", "i", 9_000_000_000, category="wrong")
    await tenant.record(event("ItemAdded", "i", 1, name="i", category="first"), far)
    assert (await tenant.record(event("ItemUpdated", "i", 2, category="second"))).stale == 1
    await void(tenant, far)
    assert b"link|category_item|i|second|waiting" in await tenant.lines()
    assert (await tenant.record(event("ItemUpdated", "i", 3, category="third"))).stale == 0


async def test_voiding_again_has_no_effect(tenant: StoreTenant) -> None:
    fact = event("ItemAdded", "i", 1, name="i")
    await tenant.record(fact)
    assert await void(tenant, fact) == await void(tenant, fact) == 2


async def test_duplicate_of_a_void_fact_stays_void(tenant: StoreTenant) -> None:
    fact = event("ItemAdded", "i", 1, name="i")
    await tenant.record(fact)
    await void(tenant, fact)
    assert (await tenant.record(fact)).duplicates == 1
    assert await tenant.lines() == []


async def test_only_facts_about_the_entity_can_be_void(tenant: StoreTenant) -> None:
    fact = event("ItemAdded", "i", 1, name="i")
    await tenant.record(fact)
    with pytest.raises(Unknown, match="no fact about item 'j'"):
        await void(tenant, {**fact, "subject": "j"})
    await void(tenant, fact)
    id = await tenant.pool.fetchval("select id from facts where type = 'FactVoided.v1'")
    with pytest.raises(Conflict, match="publish the other one again"):
        await voids.void(tenant.pool, tenant.catalog, tenant.name, "item", "i", OWN_SOURCE, id, "oops", "test")


async def test_counterpart_is_linked_again_when_its_parents_deletion_is_void(tenant: StoreTenant) -> None:
    first, gone = event("GroupCreated", "g", 1, name="g"), event("GroupDeleted", "g", 2)
    channel = event("ChannelCreated", "c", 1, name="c", requested_by="g", created=first)
    await tenant.record_batches([[first], [channel], [gone], [event("GroupCreated", "g", 3, name="g")]])
    assert b"link|group_channel|c|g|broken" in await tenant.lines()
    await void(tenant, gone)
    assert b"link|group_channel|c|g|linked" in await tenant.lines()
    report = await tenant.audit()
    assert (report.violated, report.ledger) == ([], report.tables)


async def test_cascade_of_a_deletion_that_is_void_ends(tenant: StoreTenant) -> None:
    deleted = event("EventDeleted", "e", 2)
    teams = [event("TeamCreated", f"t{n}", 1, name="t", event_id="e") for n in range(3)]
    await tenant.record_batches([[event("EventCreated", "e", 1, name="e"), *teams], [deleted]])
    at = tenant.pool, tenant.catalog, tenant.name
    assert (await cascades.advance(*at, "event", "e")).to_request == ("event_team",)
    (row,), _ = await listings.operations_page(tenant.pool, tenant.name, OperationQuery("cascade"), None, 10)
    relationship = tenant.catalog.relationship("event_team")
    assert await children_to_request.next_page(*at, row.id, relationship, "", 5, repeat=False) is not None
    await tenant.pool.execute("delete from outbox")
    await voids.void(*at, "event", "e", "/events", deleted["id"], "a mistake", "test")
    assert await children_to_request.next_page(*at, row.id, relationship, "", 5, repeat=False) is None
    assert [
        tuple(r) for r in await tenant.pool.fetch("select workflow, key from outbox where workflow = 'cascade'")
    ] == [("cascade", "e")]
    assert (await cascades.advance(*at, "event", "e")).operation is None
    (row,), _ = await listings.operations_page(tenant.pool, tenant.name, OperationQuery("cascade"), None, 10)
    assert (row.state, row.ended_because, row.requested) == ("done", "deletion_voided", 0)


@pytest.mark.parametrize("before", [False, True])
async def test_deletion_before_a_void_fact_in_the_order_ends_what_was_requested(
    tenant: StoreTenant, before: bool
) -> None:
    """``before``: whether it arrives before the other fact is void."""
    relationship = tenant.catalog.relationship("event_team")
    far, far_team = event("EventRenamed", "e", 9_000, name="far"), event("TeamRenamed", "t", 9_000, name="far")
    await tenant.record(event("EventCreated", "e", 1, name="e"), event("EventCreated", "final", 1, name="final"), far)
    await tenant.record(event("EventRenamed", "e", 2, name="stale"))
    await tenant.record(event("TeamCreated", "t", 1, name="t"), far_team, event("TeamRenamed", "t", 2, name="stale"))
    at, of_team = (tenant.pool, tenant.catalog, tenant.name, "event", "e"), (tenant.pool, tenant.name, relationship)
    deletion = await deletions.start(*at, actor="test", idempotency_key=None)
    await moves.start(*of_team, child="t", to="final", actor="test", idempotency_key=None)
    move = (await moves.advance(*of_team, "t")).operation
    assert move is not None
    again = [event("EventDeleted", "e", 3), event("EventCreated", "e", 4, name="again")]
    again += [event("TeamDeleted", "t", 3), event("TeamCreated", "t", 4, name="again")]
    if before:
        await tenant.record(*again)
    for fact in (far, far_team):
        await void(tenant, fact)
    if not before:
        assert await deletions.pending_request(*at, deletion.id) is not None
        assert await moves.pending_request(*of_team, move.id) is not None
        await tenant.record(*again)
    assert await deletions.pending_request(*at, deletion.id) is None
    with pytest.raises(Impossible):
        await moves.pending_request(*of_team, move.id)


async def test_void_fact_that_is_sent_again_is_a_duplicate_with_a_warning(tenant: StoreTenant) -> None:
    facts = [event("ItemAdded", key, 1, name=key) for key in "ab"]
    await tenant.record(*facts)
    await void(tenant, facts[1])
    answer = await tenant.record(event("ItemAdded", "c", 1, name="c"), *facts)
    assert (answer.accepted, answer.duplicates, list(answer.warnings)) == (1, 2, [2])
    assert answer.warnings[2].startswith("is void since an operator has taken it back (a mistake)")


@pytest.mark.parametrize("referred", [False, True])
async def test_entity_of_whom_only_a_void_link_speaks_has_no_row(tenant: StoreTenant, referred: bool) -> None:
    link = link_event("group_channel", "c", "g", 1)
    others = [event("ChannelMemberAdded", "m", 1, channel="c", user="u")] if referred else []
    await tenant.record(link, *others)
    await tenant.record_own(
        "FactVoided", "channel", "c", {"source": link["source"], "id": link["id"], "type": link["type"]}
    )
    assert await tenant.lines() == expected_lines(tenant.catalog, others)
    assert (await tenant.audit()).violated == []


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"])
async def test_fact_at_an_end_of_the_calendar_can_be_taken_back(tenant: StoreTenant, time: str) -> None:
    far = event("ItemAdded", "i", None, time=time, name="far")
    await tenant.record(far, event("ItemAdded", "i", None, id="other", time="2026-01-01T00:00:00Z", name="near"))
    await void(tenant, far)
    assert b'entity|item|i|live|{"name":"near"}' in await tenant.lines()


async def test_channel_of_a_void_deletion_belongs_to_the_group_that_comes_next(tenant: StoreTenant) -> None:
    created, deleted, again = (
        event("GroupCreated", "g", 1, name="g"),
        event("GroupDeleted", "g", 2),
        event("GroupCreated", "g", 3, name="g"),
    )
    await tenant.record(created)
    channel = event("ChannelCreated", "c", 1, requested_by="g", created=created, name="c")
    await tenant.record(channel)
    await tenant.record(deleted, again)
    for fact in (again, created, deleted):
        await void(tenant, fact)
    await tenant.record(event("GroupCreated", "g", 4, name="g"))
    assert b"link|group_channel|c|g|linked" in await tenant.lines()
