"""Activity in the feed of changes: recorded, voided, of merged entities, in pages of any size."""

from typing import Any

import pytest

from facts import own_facts
from store.db.snapshot import snapshot
from store.read import feed
from store.read.feed_offsets import BEGINNING
from store.read.feed_query import query_for
from tests.support.events import event
from tests.support.merging import activity, merged
from tests.support.tenants import StoreTenant, recorded_entry

TIME = "2026-01-01T00:00:00.000000001Z"


async def changes(
    tenant: StoreTenant, *, relationship: str | None = None, kind: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """The bodies of all items of activity, with the numbers of their revisions."""
    found, place = [], BEGINNING
    query = query_for(tenant.catalog, relationship, kind)
    while True:
        async with snapshot(tenant.pool, tenant.name) as at:
            items, place = await feed.page(at, query, place, limit)
        assert len(items) <= limit
        found += [{"revision": item.revision, **item.body} for item in items if item.body["change"] == "activity"]
        if place.revision > at.head:
            return found


async def void(tenant: StoreTenant, id: str) -> int:
    data = {"source": "/activities", "id": id, "type": "ActivityRecorded.v1", "reason": "a mistake"}
    return (await tenant.record_own("FactVoided", "activity", id, data)).revision


async def test_item_has_the_key_it_was_recorded_under_and_the_fact(tenant: StoreTenant) -> None:
    revision = (await tenant.record(activity("1", "ann", TIME, correlation="c"))).revision
    fact = {
        "specversion": "1.0", "id": "1", "source": "/activities", "type": "ActivityRecorded.v1", "subject": "1",
        "time": TIME, "correlationid": "c", "data": {"person_id": "ann", "what": "visited"},
    }  # fmt: skip
    assert await changes(tenant) == [
        {
            "revision": revision, "change": "activity", "state": "recorded", "feed": "activity", "kind": "person",
            "key": "ann", "time": TIME, "fact": fact,
        }
    ]  # fmt: skip


async def test_item_of_a_merged_key_names_the_survivor_of_its_revision(tenant: StoreTenant) -> None:
    await tenant.record(activity("1", "ann"))
    await tenant.record(merged("anne", "ann"), activity("2", "ann"), activity("3", "anne"))
    await tenant.record(merged("anna", "anne"), activity("4", "ann"))
    found = [(one["key"], one.get("replaced_by")) for one in await changes(tenant)]
    assert found == [("ann", None), ("ann", "anne"), ("anne", None), ("ann", "anna")]


async def test_voided_activity_is_an_item_of_its_own(tenant: StoreTenant) -> None:
    await tenant.record(activity("1", "ann", TIME), activity("2", "ann", TIME))
    revision = await void(tenant, "1")
    found = await changes(tenant)
    assert [(one["state"], one["fact"]["id"]) for one in found] == [
        ("recorded", "1"),
        ("recorded", "2"),
        ("voided", "1"),
    ]
    assert found[2] == {**found[0], "revision": revision, "state": "voided"}


async def test_activity_that_was_voided_in_its_own_batch_is_no_item(tenant: StoreTenant) -> None:
    data = {"source": "/activities", "id": "1", "type": "ActivityRecorded.v1", "reason": "a mistake"}
    recorded = [recorded_entry(tenant.catalog, activity(id, "ann")) for id in ("1", "2")]
    void = own_facts.entry("FactVoided", "activity", "1", data, id="void")
    await tenant.recorder.record(tenant.name, [*recorded, void], actor="test")
    assert [(one["state"], one["fact"]["id"]) for one in await changes(tenant, limit=1)] == [("recorded", "2")]


@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_pages_of_any_size_hold_each_item_once(tenant: StoreTenant, limit: int) -> None:
    for n in range(6):
        people = [event("PersonCreated", f"p{n}", 1, name="P")] if n % 2 else []
        await tenant.record(*people, *(activity(f"{n}/{m}", f"p{m}") for m in range(n)))
    await void(tenant, "3/1")
    found = await changes(tenant, limit=limit)
    assert found == await changes(tenant)
    recorded = [(n, m) for n in range(6) for m in range(n)]
    assert [one["fact"]["id"] for one in found] == [*(f"{n}/{m}" for n, m in recorded), "3/1"]


async def test_kind_selects_activity_by_entity_or_by_feed(tenant: StoreTenant) -> None:
    await tenant.record(activity("1", "ann"))
    assert [len(await changes(tenant, kind=kind)) for kind in ("person", "activity", "company")] == [1, 1, 0]
    assert await changes(tenant, relationship="person_ticket") == []
