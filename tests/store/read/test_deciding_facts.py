"""Stale facts that would have decided a link otherwise."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from store.db.snapshot import snapshot
from store.read.deciding_facts import StaleFact
from store.read.link_evidence import explain
from tests.support.events import Event, event
from tests.support.strategies import histories
from tests.support.tenants import StoreTenant, cut_into_batches, fold_events, in_a_database


async def stale(tenant: StoreTenant, child: str) -> list[StaleFact]:
    async with snapshot(tenant.pool, tenant.name) as at:
        found = await explain(at, tenant.catalog, tenant.catalog.relationship("category_item"), child, at.now)
    return [] if found is None else list(found.stale)


@in_a_database
@given(history=histories(), seed=st.integers(0, 2**32), most=st.integers(1, 9))
async def test_stale_facts_of_a_link_have_changed_nothing_about_it(
    tenant: StoreTenant, history: list[Event], seed: int, most: int
) -> None:
    one, random, arrived = tenant.other_tenant(), Random(seed), list(history)
    random.shuffle(arrived)
    await one.record_batches(cut_into_batches(random, arrived, most))
    for child in {fact["subject"] for fact in arrived if fact["source"] == "/items"}:
        at = ("category_item", child)
        for fact in await stale(one, child):
            place = next(
                n for n, one in enumerate(arrived) if (one["source"], one["id"]) == (fact.older.source, fact.older.id)
            )
            others = arrived[:place] + arrived[place + 1 :]
            assert fold_events(one.catalog, others).links.get(at) == fold_events(one.catalog, arrived).links.get(at)
            before = fold_events(one.catalog, arrived[:place]).links.get(at)
            assert fold_events(one.catalog, arrived[: place + 1]).links.get(at) == before


async def test_facts_that_name_another_parent_delete_or_create_are_found(tenant: StoreTenant) -> None:
    named = event("ItemUpdated", "i", 5, category="b")
    await tenant.record_batches([[event("ItemAdded", "i", 4, name="x", category="a")], [named]])
    await tenant.record_batches([[event("CategoryAdded", "b", 4, name="b")]])
    late = [
        event("ItemUpdated", "i", 3, name="y"),  # names no parent
        event("ItemUpdated", "i", 2, category="b"),  # names the same
        event("ItemUpdated", "i", 1, category="c"),
        event("ItemRemoved", "i", 3),
        event("CategoryUpdated", "b", 2, name="c"),
        event("CategoryRemoved", "b", 3),
    ]
    await tenant.record_batches([[fact] for fact in late])
    found = await stale(tenant, "i")
    assert [(fact.older.type, fact.older.sequence, fact.newer.type) for fact in found] == [
        ("CategoryRemoved.v1", "3", "CategoryAdded.v1"),
        ("ItemRemoved.v1", "3", "ItemUpdated.v1"),
        ("ItemUpdated.v1", "1", "ItemUpdated.v1"),
    ]
    await tenant.record_batches([[event("CategoryRemoved", "b", 9)], [event("CategoryAdded", "b", 8, name="b")]])
    assert (await stale(tenant, "i"))[0].older.type == "CategoryAdded.v1"


async def test_fact_that_has_decided_before_a_newer_one_is_not_stale(tenant: StoreTenant) -> None:
    await tenant.record_batches([[event("ItemAdded", "i", 1, name="x", category="a")]])
    await tenant.record_batches(
        [[event("ItemUpdated", "i", 5, name="y")], [event("ItemUpdated", "i", 3, category="b")]]
    )
    await tenant.record_batches([[event("ItemUpdated", "i", 4, category="c")]])
    assert await stale(tenant, "i") == []
