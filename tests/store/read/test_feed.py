"""The feed: replaying it gives the state at every revision, and pages neither skip nor repeat items."""

from random import Random
from typing import Any

import pytest

from catalog.catalog import Catalog
from facts import own_facts
from store.db.pool import Pool, transaction
from store.db.snapshot import snapshot
from store.operations import voids
from store.read import feed, feed_offsets
from store.read.feed_items import FeedItem
from store.read.feed_offsets import BEGINNING
from store.read.feed_query import FeedQuery, query_for
from store.write.settle import settle
from tests.support import versions
from tests.support.events import event, link_event
from tests.support.recording import TENANT, FactRecorder
from tests.support.strategies import deliver, explicit_links, history
from tests.support.versions import Versions


class Consumer:
    """A client that reads page after page. Its only state is the offset.

    ``complete``: the revision up to which it has read all items.
    """

    def __init__(self, pool: Pool, query: FeedQuery) -> None:
        self._pool = pool
        self._query = query
        self.offset = feed_offsets.encode(TENANT, BEGINNING)
        self.items: list[FeedItem] = []
        self.complete = 0

    async def page(self, limit: int) -> bool:
        """Reads a page; returns whether there may be more."""
        async with snapshot(self._pool, TENANT) as at:
            items, place = await feed.page(at, self._query, feed_offsets.decode(TENANT, self.offset), limit)
        assert len(items) <= limit
        self.items += items
        self.offset = feed_offsets.encode(TENANT, place)
        self.complete = place.revision - 1
        return place.revision <= at.head

    async def drain(self, limit: int) -> list[FeedItem]:
        """Reads until the newest revision; returns all items read so far."""
        while await self.page(limit):
            pass
        return self.items

    @property
    def links(self) -> list[str]:
        """``child parent state`` of every link item read so far."""
        return [f"{b['child']} {b['parent']} {b['state']}" for _, p, _, b, *_ in self.items if p in (1, 2, 3)]


def unfiltered(catalog: Catalog) -> FeedQuery:
    return query_for(catalog, None, None)


def assert_items_match(items: list[FeedItem], tables: Versions) -> None:
    """Asserts that the items are exactly the changes between the versions in the tables, revision by revision."""
    places = [item[:3] for item in items]
    assert places == sorted(set(places))
    current: dict[tuple[str, str], tuple[str, str]] = {}
    for revision in range(1, tables.newest + 1):
        of_it = [item for item in items if item.revision == revision]
        entities = [(b["kind"], b["key"], b["state"]) for _, phase, _, b, *_ in of_it if phase == 0]
        assert set(entities) == tables.entities_begun(revision)
        assert len(entities) == len(set(entities))
        before, after = tables.link_states(revision - 1), tables.link_states(revision)
        changed = {at for at in before.keys() | after.keys() if before.get(at) != after.get(at)}
        reported = [(b["relationship"], b["child"]) for _, phase, _, b, *_ in of_it if phase in (1, 2, 3)]
        assert len(reported) == len(set(reported))
        assert changed <= set(reported) <= changed | tables.links_begun(revision)
        for body in (b for _, phase, _, b, *_ in of_it if phase in (1, 2, 3)):
            apply(current, before, body)
        assert current == after
    facts = [(item.revision, item.body["fact"]["id"]) for item in items if item.phase == 4]
    assert facts == tables.announced


def apply(current: dict[Any, Any], before: dict[Any, Any], body: dict[str, Any]) -> None:
    at = (body["relationship"], body["child"])
    old = before.get(at, (None, None))[0]
    if body["state"] == "closed":
        assert current.pop(at)[0] == body["parent"]
    else:
        assert body.get("previous_parent") == (old if old != body["parent"] else None)
        current[at] = (body["parent"], body["state"])


@pytest.mark.parametrize("seed", range(12))
async def test_replayed_pages_give_every_revision_while_facts_arrive(
    pool: Pool, catalog: Catalog, facts: FactRecorder, seed: int
) -> None:
    random = Random(seed)
    events = history(seed, 12 + 6 * (seed % 3), 120)
    events = deliver(seed, [*events, *explicit_links(random, events, 12)])
    limits = [(1,), (2, 3), (7,), (1, 1000), (50,)][seed % 5]
    consumer, number = Consumer(pool, unfiltered(catalog)), 0
    while events:
        size = random.choice((1, 1, 2, 5, 12))
        batch, events = [facts.entry(e) for e in events[:size]], events[size:]
        if random.random() < 0.2:
            number += 1
            batch.append(
                own_facts.entry("Announced", "group", "group-0", {"relationship": "group_channel"}, id=f"a{number}")
            )
        await facts.record_entries(batch)
        if random.random() < 0.2:
            e = random.choice(batch)
            known = pool, catalog, TENANT, e.kind, e.key, e.source, e.id
            await voids.void(*known, "a mistake", "test")
        for _ in range(random.randrange(6)):
            await consumer.page(random.choice(limits))
    await consumer.drain(random.choice(limits))
    tables = await versions.read(pool, catalog)
    assert tables.newest > 10
    assert_items_match(consumer.items, tables)
    fresh = Consumer(pool, unfiltered(catalog))
    assert await fresh.drain(17) == consumer.items
    assert all(item.facts for item in consumer.items if item.phase < 4)
    assert consumer.complete == fresh.complete == tables.newest


@pytest.mark.parametrize("limit", [1, 4, 1000])
async def test_filters_give_exactly_their_part_of_the_feed(
    pool: Pool, catalog: Catalog, facts: FactRecorder, limit: int
) -> None:
    events = deliver(5, history(5, 18, 100))
    for n in range(0, len(events), 9):
        await facts.record(*events[n : n + 9])
    await facts.record_entries([own_facts.entry("Announced", "group", "g", {"relationship": "group_channel"}, id="x")])
    everything = await Consumer(pool, unfiltered(catalog)).drain(1000)
    for name in ("group_channel", "category_item", "dest_flight"):
        part = await Consumer(pool, query_for(catalog, name, None)).drain(limit)
        assert part == [
            i for i in everything if (i.body if i.phase < 4 else i.body["fact"]["data"]).get("relationship") == name
        ]
    part = await Consumer(pool, query_for(catalog, None, "item")).drain(limit)
    assert part == [i for i in everything if i.body.get("kind") == "item"]


async def test_parent_of_thousands_of_waiting_children_gives_one_item_each(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(*(event("ItemAdded", f"i{n:04}", 1, name="x", category="c") for n in range(3000)))
    consumer = Consumer(pool, query_for(catalog, "category_item", None))
    await consumer.drain(1000)
    consumer.items.clear()
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    pages = 1
    while await consumer.page(999):
        pages += 1
    assert pages == 4
    assert consumer.links == [f"i{n:04} c linked" for n in range(3000)]


async def test_move_is_one_item_with_the_parent_that_was_left(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x", category="a"))
    consumer = Consumer(pool, query_for(catalog, "category_item", None))
    await consumer.drain(10)
    consumer.items.clear()
    await facts.record(event("ItemUpdated", "i", 2, category="b"))
    (item,) = await consumer.drain(10)
    assert item.body == {
        "change": "link", "relationship": "category_item", "child": "i", "parent": "b", "state": "waiting",
        "previous_parent": "a",
    }  # fmt: skip


async def test_child_whose_conflict_begins_or_ends_gets_an_item(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    consumer = Consumer(pool, query_for(catalog, "group_channel", None))
    await facts.record(
        event("GroupCreated", "g", 1, name="g"), event("ChannelCreated", "b", 5, name="b", requested_by="g")
    )
    await facts.record(event("ChannelCreated", "a", 4, name="a", requested_by="g"))
    await facts.record(event("ChannelDeleted", "a", 6))
    await facts.record(link_event("group_channel", "b", "h", 7), event("GroupCreated", "h", 1, name="h"))
    await consumer.drain(1)
    assert consumer.links == ["b g linked", "a g linked", "b g conflict", "a g closed", "b g linked", "b h linked"]


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_children_of_a_former_life_displace_no_others_from_a_page(
    pool: Pool, catalog: Catalog, facts: FactRecorder, limit: int
) -> None:
    lives = [event("GroupCreated", "g", n, name=f"{n}") for n in (1, 5)]
    of = [event("ChannelCreated", f"c{n}", n, name="c", requested_by="g", created=lives[n > 1]) for n in range(4)]
    for batch in ([lives[0]], of[:2], [event("GroupDeleted", "g", 3)], [lives[1]], of[2:]):
        await facts.record(*batch)
    consumer = Consumer(pool, unfiltered(catalog))
    await consumer.drain(limit)
    consumer.items.clear()
    await facts.record(event("GroupDeleted", "g", 7))
    await consumer.drain(limit)
    assert consumer.links == ["c2 g broken", "c3 g broken"]


async def test_uncommitted_facts_are_neither_read_nor_skipped(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    consumer = Consumer(pool, unfiltered(catalog))
    added = [facts.entry(event("ItemAdded", f"i{n}", 1, name="x", category="c")) for n in range(3)]
    async with transaction(pool) as conn:
        await settle(conn, catalog, TENANT, added, "test")
        await consumer.drain(1)
        assert [i.body["key"] for i in consumer.items] == ["c"]
    async with pool.acquire() as conn:
        undone = conn.transaction()
        await undone.start()
        await settle(conn, catalog, TENANT, [facts.entry(event("CategoryRemoved", "c", 2))], "test")
        await consumer.drain(1)
        await undone.rollback()
    await consumer.drain(1)
    await facts.record(event("CategoryUpdated", "c", 3, name="d"))
    await consumer.drain(1)
    assert_items_match(consumer.items, await versions.read(pool, catalog))
    assert consumer.links == ["i0 c linked", "i1 c linked", "i2 c linked"]


@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.parametrize("referred", [False, True])
async def test_entity_whose_only_fact_is_void_is_an_item_of_the_feed(
    pool: Pool, catalog: Catalog, facts: FactRecorder, referred: bool, limit: int
) -> None:
    if referred:
        await facts.record(event("ItemAdded", "i", 1, name="i", category="k"))
    await facts.record(event("CategoryAdded", "k", 1, name="k"))
    consumer = Consumer(pool, unfiltered(catalog))
    await consumer.drain(limit)
    consumer.items.clear()
    await voids.void(pool, catalog, TENANT, "category", "k", "/categories", "CategoryAdded/k/1", "a mistake", "test")
    items = [item.body for item in await consumer.drain(limit)]
    assert items[0] == {"change": "entity", "kind": "category", "key": "k", "state": "unknown", "data": {}}
    assert [item["state"] for item in items if item["change"] == "link"] == ["waiting"] * referred
    assert [item["fact"]["type"] for item in items if item["change"] == "fact"] == ["FactVoided.v1"]
    assert (await Consumer(pool, query_for(catalog, None, "category")).drain(limit))[-1].body == items[0]


async def test_void_that_leaves_other_facts_is_no_unknown_entity(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(event("CategoryAdded", "k", 1, name="k"), event("CategoryRemoved", "k", 2))
    await voids.void(pool, catalog, TENANT, "category", "k", "/categories", "CategoryRemoved/k/2", "a mistake", "test")
    states = [i.body["state"] for i in await Consumer(pool, unfiltered(catalog)).drain(9) if i.phase == 0]
    assert states == ["deleted", "live"]
