"""Pages of links: together they are exactly the links in the tables, with any filter, at any revision."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from catalog.catalog import Catalog
from store.db import filtered_page
from store.db.pool import Pool
from store.db.snapshot import Snapshot, snapshot
from store.read import link_counts, links
from store.read.link_query import LinkQuery
from store.read.link_state import LINK_STATES, LinkState
from tests.support import versions
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder
from tests.support.strategies import deliver, explicit_links, history

NOW = datetime.now(UTC)


async def record_history(facts: FactRecorder, seed: int) -> None:
    events = history(seed, 24, 150)
    events = deliver(seed, [*events, *explicit_links(Random(seed), events, 10)])
    for n in range(0, len(events), 20):
        await facts.record(*events[n : n + 20])


async def read_pages(at: Snapshot, query: LinkQuery, limit: int, now: datetime = NOW) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    place, pages = None, 0
    while True:
        some, place = await links.page(at, query, place, limit, now)
        assert len(some) <= limit
        found += [(link.child, link.parent, link.state) for link in some]
        pages += 1
        assert pages < 1000
        if place is None:
            return found


@pytest.mark.parametrize("seed", range(6))
async def test_pages_are_exactly_the_links_at_every_revision(
    pool: Pool, catalog: Catalog, facts: FactRecorder, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    await record_history(facts, seed)
    monkeypatch.setattr(links, "PARENTS", 1 + seed % 3)
    monkeypatch.setattr(filtered_page, "SCANNED", 5)
    monkeypatch.setattr(filtered_page, "CHUNK", 3)
    tables = await versions.read(pool, catalog)
    for revision in (tables.newest, tables.newest // 2, 1, 0):
        states = tables.link_states(revision)
        async with snapshot(pool, TENANT, revision) as at:
            for name in ("group_channel", "category_item"):
                rel = catalog.relationship(name)
                every_link = [(child, *link) for (of, child), link in states.items() if of == name]
                assert await read_pages(at, LinkQuery(rel), 4) == sorted(every_link)
                for state in LINK_STATES:
                    found = await read_pages(at, LinkQuery(rel, state=state), 2)
                    assert len(found) == len(set(found))
                    assert sorted(found) == sorted(link for link in every_link if link[2] == state)
                for parent in {parent for _, parent, _ in every_link} | {"unknown"}:
                    family = sorted(link for link in every_link if link[1] == parent)
                    assert await read_pages(at, LinkQuery(rel, parent=parent), 1) == family
                    linked = [link for link in family if link[2] == "linked"]
                    assert await read_pages(at, LinkQuery(rel, parent=parent, state="linked"), 1) == linked
                for link in every_link:
                    assert await read_pages(at, LinkQuery(rel, child=link[0]), 1) == [link]
                    assert await read_pages(at, LinkQuery(rel, child=link[0], parent="unknown"), 1) == []


@pytest.mark.parametrize("seed", range(6))
async def test_counts_are_those_of_the_links_in_the_tables(
    pool: Pool, catalog: Catalog, facts: FactRecorder, seed: int
) -> None:
    await record_history(facts, seed)
    tables = await versions.read(pool, catalog)
    links_now = tables.link_states(tables.newest)
    async with snapshot(pool, TENANT) as at:
        for name in ("group_channel", "category_item", "dest_flight"):
            states = [state for (of, _), (_, state) in links_now.items() if of == name]
            found = await link_counts.count_by_state(at, catalog.relationship(name), NOW)
            assert found == {state: states.count(state) for state in LINK_STATES}


async def test_waiting_link_is_overdue_once_its_deadline_has_passed(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))
    rel = catalog.relationship("category_item")
    async with snapshot(pool, TENANT) as at:
        moments: list[tuple[datetime, LinkState]] = [
            (NOW, "waiting"),
            (NOW + rel.on_missing.deadline + timedelta(days=1), "overdue"),
        ]
        for now, state in moments:
            assert await read_pages(at, LinkQuery(rel), 5, now) == [("i", "c", state)]
            assert await read_pages(at, LinkQuery(rel, state=state), 5, now) == [("i", "c", state)]
            assert (await link_counts.count_by_state(at, rel, now))[state] == 1
        assert await read_pages(at, LinkQuery(rel, state="waiting"), 5, now) == []
