"""The facts about one entity: which of them were stale, in any order of arrival, and pages of them."""

from collections.abc import Sequence
from itertools import chain
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import limits
from catalog.registry import OWN_SOURCE
from facts import own_facts
from facts.envelope import Entry
from model import facts
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.read import entity_facts
from store.read.entity_facts import ListedFact
from tests.support.events import Event, event
from tests.support.strategies import explicit_links, histories
from tests.support.tenants import StoreTenant, in_a_database, recorded_entry

Arrival = Event | tuple[Event, str]
"""A CloudEvent; or a fact that is voided, and why."""


def entry_of(tenant: StoreTenant, arrival: Arrival) -> Entry:
    """Returns what is recorded for an arrival."""
    if isinstance(arrival, dict):
        return recorded_entry(tenant.catalog, arrival)
    fact = facts.read(tenant.catalog, arrival[0])
    data = {"source": fact.source, "id": fact.id, "type": arrival[0]["type"], "reason": arrival[1]}
    return own_facts.entry(own_facts.VOIDED, fact.kind, fact.key, data, id=own_facts.derived_id(fact.source, fact.id))


async def record(tenant: StoreTenant, arrivals: Sequence[Arrival], batch: int = 1) -> int:
    """Records arrivals in batches, each void in one of its own; returns how many facts were said to be stale."""
    batches: list[list[Entry]] = []
    for arrival in arrivals:
        entry = entry_of(tenant, arrival)
        if not batches or len(batches[-1]) == batch or own_facts.VOIDED in (entry.name, batches[-1][-1].name):
            batches.append([])
        batches[-1].append(entry)
    return sum([(await tenant.recorder.record(tenant.name, entries, actor="test")).stale for entries in batches])


async def listed(
    tenant: StoreTenant, kind: str, key: str, *, size: int = 1000, stale: bool = False
) -> list[list[ListedFact]]:
    """Returns all pages of the facts about an entity."""
    pages, before, more = list[list[ListedFact]](), None, True
    while more:
        async with snapshot(tenant.pool, tenant.name) as at:
            found, more = await entity_facts.page(at, kind, key, before, size, stale=stale)
        pages.append(found)
        before = found[-1].position if found else before
    return pages


def older_than(tenant: StoreTenant, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], tuple[str, str] | None]:
    """Returns for each fact the newest fact of its entity that had arrived, if that is newer, by the definition."""
    found: dict[tuple[str, str], tuple[str, str] | None] = {}
    known: list[facts.ModelFact] = []
    for position, arrival in enumerate(arrivals, 1):
        if not isinstance(arrival, dict):
            voided = arrival[0]["source"], arrival[0]["id"]
            known = [fact for fact in known if (fact.source, fact.id) != voided]
            continue
        fact = facts.read(tenant.catalog, arrival, position)
        if fact.source == OWN_SOURCE:
            continue
        others = [other for other in known if (other.kind, other.key) == (fact.kind, fact.key)]
        newest = max(others, key=lambda other: other.order, default=fact)
        found[fact.source, fact.id] = (newest.source, newest.id) if newest.order > fact.order else None
        known.append(fact)
    return found


@in_a_database
@given(history=histories(), seed=st.integers(0, 2**32), voided=st.integers(0, 4), batch=st.integers(1, 9))
async def test_answers_and_list_call_stale_what_is_older_than_what_arrived(
    tenant: StoreTenant, history: list[Event], seed: int, voided: int, batch: int
) -> None:
    one, random = tenant.other_tenant(), Random(seed)
    arrivals: list[Arrival] = [*history, *explicit_links(random, history, 3)]
    random.shuffle(arrivals)
    for _ in range(voided if history else 0):
        place = random.randrange(len(arrivals)) + 1
        sent = [fact for fact in arrivals[:place] if isinstance(fact, dict) and fact["source"] != OWN_SOURCE]
        gone = {(fact[0]["source"], fact[0]["id"]) for fact in arrivals if not isinstance(fact, dict)}
        if fresh := [fact for fact in sent if (fact["source"], fact["id"]) not in gone]:
            arrivals.insert(place, (random.choice(fresh), "mistaken"))
    expected = older_than(one, arrivals)
    assert await record(one, arrivals, batch) == sum(newest is not None for newest in expected.values())
    entries = [entry_of(one, arrival) for arrival in arrivals]
    for kind, key in {(entry.kind, entry.key) for entry in entries}:
        (page,) = await listed(one, kind, key)
        about = [entry for entry in entries if (entry.kind, entry.key) == (kind, key)]
        assert [(fact.source, fact.id) for fact in page] == [(entry.source, entry.id) for entry in reversed(about)]
        assert [fact.older_than for fact in page] == [expected.get((fact.source, fact.id)) for fact in page]
        gone = {(a[0]["source"], a[0]["id"]) for a in arrivals if not isinstance(a, dict)}
        assert [fact.voided for fact in page] == [(fact.source, fact.id) in gone for fact in page]
        assert {fact.void_reason for fact in page if fact.voided} <= {"mistaken"}
        stale = [fact for fact in page if fact.older_than]
        assert await listed(one, kind, key, stale=True) == [stale]
        assert list(chain(*await listed(one, kind, key, size=2))) == page
        assert list(chain(*await listed(one, kind, key, size=1, stale=True))) == stale


async def test_listed_fact_is_as_it_was_recorded(tenant: StoreTenant) -> None:
    one = event("ItemUpdated", "i", 3, name="y", correlation="c", time="2026-01-03T12:00:00Z")
    await record(tenant, [one, event("ItemAdded", "i", 1, name="x", category="c"), event("ItemRemoved", "i", None)])
    ((removed, added, updated),) = await listed(tenant, "item", "i")
    assert (updated.type, updated.sequence, updated.data) == ("ItemUpdated.v1", "3", {"name": "y"})
    assert updated.time is not None
    assert (updated.time.isoformat(), updated.correlation) == ("2026-01-03T12:00:00+00:00", "c")
    assert [fact.position for fact in (removed, added, updated)] == [3, 2, 1]
    assert (removed.sequence, removed.time, removed.correlation) == (None, None, None)
    assert updated.older_than is None
    assert added.older_than == removed.older_than == ("/items", one["id"])


async def test_page_of_facts_ends_with_the_one_that_fills_it(
    tenant: StoreTenant, monkeypatch: pytest.MonkeyPatch, pool: Pool
) -> None:
    await record(tenant, [event("ItemUpdated", "i", n, name=f"{n}" * 1000) for n in range(9)])
    (whole,) = await listed(tenant, "item", "i")
    size = len('{"name":""}') + 1000
    for room, most in ((1, 1), (size - 99, 1), (size + 99, 2), (3 * size + 500, 4)):
        monkeypatch.setattr(limits, "PAGE", room)
        pages = await listed(tenant, "item", "i")
        assert list(chain(*pages)) == whole
        assert max(map(len, pages)) == most


async def test_other_tenants_and_entities_facts_are_not_listed(tenant: StoreTenant) -> None:
    fact = event("ItemAdded", "i", 1, name="x")
    await record(tenant, [fact, event("ItemAdded", "j", 9, name="x"), event("CategoryAdded", "i", 9, name="x")])
    await record(tenant.other_tenant(), [event("ItemAdded", "i", 9, name="x")])
    ((only,),) = await listed(tenant, "item", "i")
    assert (only.source, only.id, only.older_than) == ("/items", fact["id"], None)
