"""Ledgers whose order keys have the form of an earlier version are rewritten once, and fold as the model says."""

import struct
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import limits
from facts.correlation import decode, encode
from facts.envelope import Entry
from store.db.pool import Pool
from store.migrate import sentence
from store.write import settle
from store.write.lives import named_by
from store.write.reorder import Reordered, reorder
from tests.support.events import Event, event
from tests.support.strategies import deliver, explicit_links, histories
from tests.support.tenants import StoreTenant, cut_into_batches, expected_lines, in_a_database, recorded_entry

_FORMER_RANKS = """
update links l set rank = e.created
from entities e
where l.tenant = $1 and l.relationship = $2 and e.tenant = $1 and e.kind = $3 and e.key = l.child
  and e.to_revision = 9223372036854775807 and e.created <> ''
"""


def former_order_key(entry: Entry) -> bytes:
    """Returns the order key as it was: (has a sequence, a number or text, time in microseconds, source, id)."""
    sequence = entry.sequence
    if sequence is None:
        head = b"\x00"
    elif sequence.isascii() and sequence.isdigit():
        digits = sequence.lstrip("0").encode()
        head = b"\x02" + struct.pack(">I", len(digits)) + digits
    else:
        head = b"\x01" + sequence.encode() + b"\x00"
    time = b"\x00" if entry.time is None else b"\x01" + struct.pack(">Q", entry.time // 1_000 + (1 << 63))
    return b"%b%b%b\x00%b" % (head, time, entry.source.encode(), entry.id.encode())


def as_before(fact: Event) -> Event:
    """Returns a fact as it was then: no correlation id named the incarnation of a parent."""
    named = decode(fact.get("correlationid"))
    return fact if named is None else {**fact, "correlationid": encode(named.relationship, named.parent)}


async def record_as_before(tenant: StoreTenant, batches: list[list[Event]]) -> None:
    """Records batches as the earlier version did, whose rows then look as its migration leaves them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settle, "at_position", lambda order, _position: order)
        for batch in batches:
            entries = [recorded_entry(tenant.catalog, event) for event in batch]
            await tenant.recorder.record(
                tenant.name, [e._replace(order=former_order_key(e)) for e in entries], actor="test"
            )
    for relationship in tenant.catalog.relationships.values():
        if relationship.exclusive:
            await tenant.pool.execute(_FORMER_RANKS, tenant.name, relationship.name, relationship.child)
    await tenant.pool.execute("update tenant_revisions set order_version = 0 where tenant = $1", tenant.name)
    await tenant.pool.execute("update entities set incarnation = '' where tenant = $1", tenant.name)


async def reordered(pool: Pool, tenant: StoreTenant) -> Reordered:
    async with pool.acquire() as conn:
        (done,) = await reorder(conn, tenant.catalog)
    assert done.tenant == tenant.name
    return done


@in_a_database
@given(events=histories().filter(bool), seed=st.integers(0, 2**32), most=st.integers(1, 12))
async def test_ledger_of_an_earlier_version_folds_as_the_model_says(
    tenant: StoreTenant, events: list[Event], seed: int, most: int
) -> None:
    one, random = tenant.other_tenant(), Random(seed)
    events = [as_before(fact) for fact in events]
    delivered = deliver(seed, events + explicit_links(random, events, 3))
    await record_as_before(one, cut_into_batches(random, delivered, most))
    done = await reordered(one.pool, one)
    assert done.facts == len({(fact["source"], fact["id"]) for fact in delivered})
    await one.assert_holds(events + [fact for fact in delivered if fact["source"] == "/tether"])


async def test_entities_whose_owner_states_an_order_keep_rows_and_revision(tenant: StoreTenant) -> None:
    facts = [
        event("GroupCreated", "g", 1, name="g"),
        event("ChannelCreated", "c", 1, requested_by="g", name="c"),
        event("ChannelCreated", "d", 1, requested_by="g", name="d"),
        event("GroupDeleted", "h", 2),
        event("GroupCreated", "h", 3, name="h"),
        event("ItemUpdated", "i", 2, category="k"),
        event("ItemAdded", "i", 1, name="i", category="l"),
    ]
    other = tenant.other_tenant()
    await record_as_before(tenant, [facts[:3], facts[3:]])
    before = await tenant.pool.fetch("select * from revisions where tenant = $1", tenant.name)
    done = await reordered(tenant.pool, tenant)
    assert (done.facts, done.refolded, done.changed) == (7, 0, [])
    assert await tenant.pool.fetch("select * from revisions where tenant = $1", tenant.name) == before
    await other.record_batches([facts[:3], facts[3:]])
    assert await tenant.rows() == await other.rows()
    await tenant.assert_holds(facts)


async def test_lives_keep_the_names_that_requests_were_sent_with(tenant: StoreTenant) -> None:
    facts = [[event("GroupCreated", "g", 1, name="g")], [event("GroupDeleted", "g", 2)]]
    facts += [[event("GroupCreated", "g", 3, name="g"), event("CategoryAdded", "k", 1, name="k")]]
    await record_as_before(tenant, facts)
    deletion = former_order_key(recorded_entry(tenant.catalog, facts[1][0]))
    await reordered(tenant.pool, tenant)
    assert await tenant.incarnations() == {("category", "k"): "first", ("group", "g"): named_by(deletion)}


async def test_entities_whose_order_was_noise_are_reported_and_right(tenant: StoreTenant) -> None:
    time = "2026-01-01T10:00:00Z"
    facts = [
        event("ItemAdded", "i", None, id="z", time=time, name="i", category="first"),
        event("ItemUpdated", "i", None, id="m", time=time, category="second"),
        event("ItemAdded", "j", None, id="y", time=time, name="j", category="first"),
        event("ItemRemoved", "j", None, id="b", time=time),
        event("ItemAdded", "k", 1, id="x", name="k"),
    ]
    await record_as_before(tenant, [[fact] for fact in facts])
    assert await tenant.lines() != expected_lines(tenant.catalog, facts)
    done = await reordered(tenant.pool, tenant)
    assert (done.refolded, sorted(done.changed)) == (2, [("item", "i"), ("item", "j")])
    assert "2 entities, of which 2 have changed: item i, item j" in sentence(done)
    await tenant.assert_holds(facts)
    assert b"link|category_item|i|second|waiting" in await tenant.lines()


async def test_entity_of_any_size_is_folded_again(tenant: StoreTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    time = "2026-01-01T10:00:00Z"
    facts = [
        event("ItemAdded", "i", None, id="z", time=time, name="i" * 99),
        event("ItemUpdated", "i", None, id="m", time=time, name="j" * 99),
    ]
    await record_as_before(tenant, [facts])
    monkeypatch.setattr(limits, "ENTITY", 99)  # as if it had been recorded before there was a limit
    assert (await reordered(tenant.pool, tenant)).changed == [("item", "i")]
    await tenant.assert_holds(facts)


async def test_reordering_is_done_once(tenant: StoreTenant) -> None:
    await record_as_before(tenant, [[event("ItemAdded", "i", 1, name="i")]])
    await reordered(tenant.pool, tenant)
    async with tenant.pool.acquire() as conn:
        assert await reorder(conn, tenant.catalog) == []
