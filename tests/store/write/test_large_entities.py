"""Entities are limited in bytes: a fact that would make one too large is quarantined, and nothing else."""

import pytest

from catalog import limits
from tests.support.events import Event, event
from tests.support.tenants import CATALOG, StoreTenant, recorded_entry

FACT = 190_000
"""Bytes of one large fact's data, about."""
FIT = limits.ENTITY // FACT


def large(sequence: int, size: int = FACT, kind: str = "ItemUpdated", **more: str) -> Event:
    """Returns a fact about ``i`` with a field that no other one has."""
    return event(kind, "i", sequence, name="x", **{f"f{sequence}": "x" * size}, **more)


async def test_fact_that_would_make_its_entity_too_large_is_quarantined(tenant: StoreTenant) -> None:
    added = event("ItemAdded", "i", 1, name="x", category="c")
    facts = [large(n) for n in range(2, 10)]
    around = [event("ItemAdded", f"j{n}", 1, name="x", category="c") for n in range(8)]
    batch = [added, *(fact for pair in zip(facts, around, strict=True) for fact in pair)]
    answer = await tenant.record(*batch)
    assert answer.accepted == 1 + FIT + len(around)
    assert sorted(answer.refused) == [1 + 2 * n for n in range(FIT, len(facts))]
    for reason in answer.refused.values():
        assert reason.startswith(f"item 'i' would be larger than {limits.ENTITY} bytes: it would have ")
    assert (await tenant.record(large(20))).refused
    await tenant.assert_holds([added, *facts[:FIT], *around])
    written = await tenant.pool.fetchval("select sum(octet_length(data::text)) from entities where key = 'i'")
    assert written <= FIT * limits.ENTITY


async def test_deleted_entity_has_room_for_other_facts(tenant: StoreTenant) -> None:
    facts = [event("ItemAdded", "i", 1, name="x"), *(large(n) for n in range(2, 2 + FIT))]
    await tenant.record_batches([[fact] for fact in facts])
    again = [event("ItemRemoved", "i", 90), event("ItemAdded", "i", 91, name="x"), large(92)]
    for fact in again:
        assert (await tenant.record(fact)).refused == {}
    await tenant.assert_holds([*facts, *again])


async def test_order_keys_of_fields_count_as_well(tenant: StoreTenant) -> None:
    fields = {f"f{n:05}": "" for n in range(16_000)}
    facts = [event("ItemAdded", "i", 1, name="x"), event("ItemUpdated", "i", 2, **fields)]
    await tenant.record(*facts)
    answer = await tenant.record(event("ItemUpdated", "i", 3, name="y"))
    assert "order keys" in answer.refused[0]
    await tenant.assert_holds(facts)


async def test_entity_that_is_too_large_already_may_change_but_not_grow(
    tenant: StoreTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = [event("ItemAdded", "i", 1, name="x", category="c"), large(2), large(3)]
    await tenant.record(*facts)
    monkeypatch.setattr(limits, "ENTITY", FACT)
    assert (await tenant.record(large(4, 10))).refused
    for fact in (
        event("ItemUpdated", "i", 5, name="x", f2="shorter", f3="x" * (FACT - 500)),
        event("ItemRemoved", "i", 6),
    ):
        assert (await tenant.record(fact)).refused == {}
        facts.append(fact)
    await tenant.assert_holds(facts)


async def test_explicit_links_of_too_large_entities_are_recorded(
    tenant: StoreTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = [event("ChannelCreated", "ch", 1, name="x" * 100_000), event("GroupCreated", "g", 1, name="x")]
    await tenant.record(*facts)
    monkeypatch.setattr(limits, "ENTITY", 1_000)
    link = event("Linked", "ch", 2, source="/tether", relationship="group_channel", parent="g")
    answer = await tenant.recorder.record(tenant.name, [recorded_entry(CATALOG, link)], actor="test")
    assert answer.refused == {}
    await tenant.assert_holds([*facts, link])
