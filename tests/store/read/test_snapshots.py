"""A snapshot, and the feed from its offset: together they are the table, whatever is written meanwhile."""

from dataclasses import replace
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.catalog import Catalog
from catalog.replica import Replica
from facts import tokens
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.db.sql import queries
from store.read import audits, feed, feed_events, feed_offsets, snapshot_rows, snapshots
from store.read.feed_offsets import FeedPosition
from store.read.feed_query import query_for
from store.read.snapshot_rows import LinkRows, SnapshotRows
from tests.support import merge_histories
from tests.support.copies import FollowedCopy
from tests.support.events import Event, event
from tests.support.recording import TENANT, FactRecorder
from tests.support.sampling import examples
from tests.support.strategies import deliver, explicit_links, histories, history
from tests.support.tenants import StoreTenant, cut_into_batches, fold_events, in_a_database

LEASE = 60.0
REPLICAS = {
    "item_name": Replica("item_name", of="item", fields=("name",)),
    "patient_site": Replica("patient_site", of="patient", fields=("site", "guardian")),
}
OF_GROUPS = ("group_channel", "category_item", "group", "channel", "item", "item_name")
OF_PATIENTS = ("site_patient", "guardian_newest", "patient_file", "patient", "site", "file", "patient_site")

few = settings(parent=in_a_database, max_examples=examples(8))


def rows_named(catalog: Catalog, name: str) -> SnapshotRows:
    of = "relationship" if name in catalog.relationships else "replica" if name in catalog.replicas else "kind"
    return snapshot_rows.rows_of(catalog, **{of: name})


def with_replicas(tenant: StoreTenant) -> StoreTenant:
    """A new tenant, with declared replicas."""
    return replace(tenant.other_tenant(), catalog=replace(tenant.catalog, replicas=REPLICAS))


class Reading:
    """Reads a snapshot, and then the feed, of one tenant, some pages at a time."""

    def __init__(self, tenant: StoreTenant, name: str, random: Random) -> None:
        self._tenant = tenant
        self._random = random
        self._rows = rows_named(tenant.catalog, name)
        self._filter = self._rows.filter
        self._size = random.choice((1, 2, 5, 1000))
        self._lines: Any = None
        self.row: Any = None
        self.copy = FollowedCopy()
        self.begun = False

    async def begin(self) -> None:
        pool, name = self._tenant.pool, self._tenant.name
        async with snapshot(pool, name) as at:
            revision = at.revision
        self.row = await snapshots.begin(pool, name, self._rows, revision, "test", LEASE)
        self.begun = True
        self._read_from("")

    def _read_from(self, key: str) -> None:
        self._lines = snapshots.lines(
            self._tenant.pool, self._tenant.name, self.row, self._rows, key, LEASE, self._size
        )

    async def step(self) -> bool:
        """Takes what comes next; sometimes the connection breaks, and what was received of it stays. False: the end."""
        piece = await anext(self._lines)
        if self._random.random() < 0.2:
            await self._lines.aclose()
            received = piece.splitlines(keepends=True)
            piece = b"".join(received[: self._random.randrange(len(received) + 1)])
            self.copy.take(piece)
            cursor = self.copy.ids[-1] if self.copy.ids else f"{self.row.id}"
            row, key = await snapshots.resumed(self._tenant.pool, self._tenant.name, cursor)
            assert row.revision == self.row.revision
            self._read_from(key)
        else:
            self.copy.take(piece)
        return not self.copy.end

    async def follow(self, limit: int) -> None:
        """Applies the feed from the snapshot's offset to the newest revision."""
        name = self._tenant.name
        of = self._filter
        query = query_for(
            self._tenant.catalog,
            of.get("relationship"),
            of.get("kind"),
            replica=of.get("replica"),
            changes=self._random.choice((None, "only")),
        )
        place = feed_offsets.decode(name, self.copy.start["offset"])
        while True:
            async with snapshot(self._tenant.pool, name) as at:
                items, place = await feed.page(at, query, place, limit)
            for item in items:
                self.copy.apply(item.body)
            if place.revision > at.head:
                return


async def table(tenant: StoreTenant, name: str, recorded: list[Event]) -> list[list[Any]]:
    """The rows of the newest revision: links by the model, entities by the simplest queries."""
    if name in tenant.catalog.relationships:
        links = fold_events(tenant.catalog, recorded).links
        return sorted([child, link.parent, link.state] for (of, child), link in links.items() if of == name)
    replica = tenant.catalog.replicas.get(name)
    name = name if replica is None else replica.of
    live = await tenant.pool.fetch(
        "select key, data from entities"
        " where tenant = $1 and kind = $2 and state = 'live' and to_revision = 9223372036854775807",
        tenant.name,
        name,
    )
    names = await tenant.pool.fetch(
        "select key, survivor from aliases where tenant = $1 and kind = $2 and to_revision = 9223372036854775807",
        tenant.name,
        name,
    )
    copy = FollowedCopy()
    copy.data = {r["key"]: r["data"] if replica is None else replica.reduced(r["data"]) for r in live}
    copy.survivors = {r["key"]: r["survivor"] for r in names}
    return copy.rows


async def assert_snapshot_and_feed_are_the_table(
    tenant: StoreTenant, names: tuple[str, ...], batches: list[list[Event]], random: Random
) -> None:
    names = tuple(random.sample(names, 3))
    readings: list[Reading] = [Reading(tenant, name, random) for name in names]
    recorded: list[Event] = []
    open_readings: list[Reading] = []
    for batch in batches:
        await tenant.record(*batch)
        recorded += batch
        for name, reading in zip(names, readings, strict=True):
            if not reading.begun and random.random() < 0.3:
                await reading.begin()
                assert reading.row.total == len(await table(tenant, name, recorded))
                open_readings.append(reading)
            elif reading in open_readings and not await reading.step():
                open_readings.remove(reading)
    for name, reading in zip(names, readings, strict=True):
        if not reading.begun:
            await reading.begin()
        while not reading.copy.end:
            await reading.step()
        assert len(reading.copy.ids) == len(set(reading.copy.ids)) == reading.row.total
        assert reading.copy.ids == sorted(reading.copy.ids, key=str.encode)
        whole = reading.copy.bucket
        assert reading.copy.end == {"id": reading.row.id, "count": whole.rows, "checksum": f"{whole.sum:016x}"}
        assert reading.copy.start["total"] == whole.rows
        await reading.follow(random.choice((1, 3, 1000)))
        assert reading.copy.rows == await table(tenant, name, recorded)
        async with snapshot(tenant.pool, tenant.name) as at:
            revision = at.revision
        assert await audits.total(tenant.pool, tenant.name, revision, reading._rows) == reading.copy.bucket


@few
@given(events=histories(), seed=st.integers(0, 2**32))
async def test_snapshot_and_the_feed_from_its_offset_are_the_table(
    tenant: StoreTenant, events: list[Event], seed: int
) -> None:
    random = Random(seed)
    batches = cut_into_batches(random, deliver(seed, [*events, *explicit_links(random, events, 4)]))
    await assert_snapshot_and_feed_are_the_table(with_replicas(tenant), OF_GROUPS, batches, random)


@few
@given(events=merge_histories.histories(), seed=st.integers(0, 2**32), most=st.integers(1, 6))
async def test_snapshot_and_feed_are_the_table_through_merges_and_voids(
    clinic: StoreTenant, events: list[Event], seed: int, most: int
) -> None:
    batches = merge_histories.deliver_in_batches(seed, events, most)
    await assert_snapshot_and_feed_are_the_table(with_replicas(clinic), OF_PATIENTS, batches, Random(seed))


@pytest.mark.parametrize("seed", range(2))
async def test_large_snapshot_is_consistent_while_facts_arrive(tenant: StoreTenant, seed: int) -> None:
    events = history(seed, 60, 600)
    await assert_snapshot_and_feed_are_the_table(
        with_replicas(tenant), OF_GROUPS, cut_into_batches(Random(seed), deliver(seed, events), 30), Random(seed)
    )


async def test_empty_snapshot_has_its_first_and_last_line(pool: Pool, catalog: Catalog) -> None:
    rows = rows_named(catalog, "category_item")
    row = await snapshots.begin(pool, TENANT, rows, 0, "test", LEASE)
    found = [orjson.loads(piece) async for piece in snapshots.lines(pool, TENANT, row, rows, "", LEASE)]
    token = tokens.token(TENANT, 0)
    assert [line["type"] for line in found] == ["snapshot-start", "snapshot-end"]
    offset = feed_offsets.encode(TENANT, FeedPosition(1))
    start = {"id": row.id, "relationship": "category_item", "token": token, "offset": offset, "total": 0}
    assert found[0]["data"] == start
    assert found[1]["data"] == {"id": row.id, "count": 0, "checksum": "0" * 16}


async def test_lines_have_the_form_of_the_items_of_the_feed(pool: Pool, catalog: Catalog, facts: FactRecorder) -> None:
    key = 'i"\\/\t\x1f\x7fé😀'
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    revision = await facts.record(event("ItemAdded", key, 1, name="i", category="c"))
    for name, query in (("category_item", ("category_item", None)), ("item", (None, "item"))):
        rows = rows_named(catalog, name)
        row = await snapshots.begin(pool, TENANT, rows, revision, "test", LEASE)
        _, lines, _ = [piece async for piece in snapshots.lines(pool, TENANT, row, rows, "", LEASE)]
        async with snapshot(pool, TENANT) as at:
            items, _ = await feed.page(at, query_for(catalog, *query), FeedPosition(), 10)
        (item,) = [feed_events.event(TENANT, item) for item in items]
        found = orjson.loads(orjson.dumps(item, option=orjson.OPT_UTC_Z))
        del found["actor"], found["data"]["facts"]  # of the item's own revision
        assert orjson.loads(lines) == found | {"id": f"{row.id}/{key}"}


async def test_lease_is_prolonged_by_reading_and_lapses_by_itself(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="i", category="c"))
    rows = rows_named(catalog, "item")
    row = await snapshots.begin(pool, TENANT, rows, 1, "test", 0.0)
    assert not (await snapshots.find(pool, TENANT, row.id)).leased
    async for _ in snapshots.lines(pool, TENANT, row, rows, "", LEASE):
        pass
    read = await snapshots.find(pool, TENANT, row.id)
    assert (read.leased, read.rows_sent, read.total, read.ended_at is None) == (True, 1, 1, False)
    assert read.leased_until > row.leased_until
    assert isinstance(rows_named(catalog, "category_item"), LinkRows)


def test_keys_that_a_function_returns_compare_by_their_bytes() -> None:
    """Such a column has the collation of the database, which need not be that of the table's column."""
    reading = [query.text for query in queries().values() if " links_at(" in query.text]
    assert len(reading) == 3
    assert all('l.child collate "C" as ' in text for text in reading)
