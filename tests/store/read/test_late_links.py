"""Links that were completed after their wait was overdue are items of a type of their own."""

from catalog.catalog import Catalog
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.operations import overdue
from store.read import feed
from store.read.feed_events import event as as_event
from store.read.feed_offsets import BEGINNING
from store.read.feed_query import query_for
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder


async def become_overdue(pool: Pool, catalog: Catalog, relationship: str, parent: str) -> None:
    await pool.execute("update waits set due = clock_timestamp() - interval '1 second', workflow_started_at = now()")
    assert await overdue.notify(pool, catalog, TENANT, catalog.relationship(relationship), parent)


async def types(pool: Pool, catalog: Catalog, relationship: str) -> list[tuple[str, str]]:
    async with snapshot(pool, TENANT) as at:
        items, _ = await feed.page(at, query_for(catalog, relationship), BEGINNING, 1000)
    return [(found["type"], found["subject"]) for found in (as_event(TENANT, item) for item in items)]


async def test_links_whose_parent_came_after_the_deadline_were_completed_late(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(*(event("ItemAdded", key, 1, name="x", category="c") for key in ("i", "j")))
    await become_overdue(pool, catalog, "category_item", "c")
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    await facts.record(event("ItemAdded", "k", 1, name="x", category="c"))
    await facts.record(event("CategoryRemoved", "c", 2), event("ItemRemoved", "j", 2), event("ItemRemoved", "k", 2))
    await facts.record(event("CategoryAdded", "c", 3, name="again"))
    found = await types(pool, catalog, "category_item")
    late = [("Waiting", "i"), ("Waiting", "j"), ("Overdue", "c"), ("CompletedLate", "i"), ("CompletedLate", "j")]
    assert found[:6] == [*late, ("Linked", "k")]
    assert "CompletedLate" not in [type for type, _ in found[5:]]


async def test_link_whose_requested_child_came_too_late_was_completed_late(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(event("GroupCreated", "g", 1, name="g"), event("GroupCreated", "h", 1, name="h"))
    await become_overdue(pool, catalog, "group_channel", "g")
    await facts.record(event("ChannelCreated", "b", 1, name="b", requested_by="g"))
    await facts.record(event("ChannelDeleted", "b", 2))
    await facts.record(event("ChannelCreated", "a", 1, name="a", requested_by="g"))
    await facts.record(event("ChannelCreated", "d", 1, name="d", requested_by="h"))
    assert await types(pool, catalog, "group_channel") == [
        ("Overdue", "g"),
        ("CompletedLate", "b"),
        ("Unlinked", "b"),
        ("Linked", "a"),
        ("Linked", "d"),
    ]
