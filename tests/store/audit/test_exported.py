"""An export, imported into an empty tenant, gives the same state: hash for hash, and every pair of keys."""

from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.catalog import Catalog
from config import Limits
from errors import NotYet, Unknown
from facts.exported import HEADER, ImportValidator
from facts.ingest import Batch
from store.audit import exported
from store.audit.exported import ExportedLedger
from store.db.pool import Pool
from store.operations import forbidden_merges, merge_batches, merge_undo, voids
from store.operations.merge_checks import NewMerge
from tests.support.events import Event, event
from tests.support.merge_histories import histories
from tests.support.merging import activity
from tests.support.people import PEOPLE, kept_apart, merged, unmerged
from tests.support.sampling import examples
from tests.support.tenants import CLINIC, StoreTenant, cut_into_batches, in_a_database

NOT_MIGRATED = "declared relationships are backfilled"
"""Violated by a catalog that the test's database was not migrated with."""
PAIRS = "select kind, loser, survivor, merged, set_aside from merge_pairs where tenant = $1 order by 1, 2, 3"
APART = "select kind, one, other, forbidden from forbidden_pairs where tenant = $1 order by 1, 2, 3"
ACTIVITIES = """
    select kind, key, happened, happened_nanoseconds, feed, type, source, id, to_revision < 9223372036854775807 as void
    from activities where tenant = $1 order by source, id
"""


async def export(tenant: StoreTenant, *kinds: str, revision: int | None = None) -> list[bytes]:
    """Returns the lines of an export without its header."""
    done = ExportedLedger()
    found = exported.lines(tenant.pool, tenant.catalog, tenant.name, kinds, done, revision)
    header, *lines = [line async for line in found]
    assert header.startswith(HEADER)
    assert orjson.loads(header)["data"]["facts"] == done.facts == len(lines)
    return lines


async def take(tenant: StoreTenant, lines: list[bytes], size: int = 3) -> None:
    """Imports lines in batches. Each of them must be accepted."""
    validator = ImportValidator(tenant.catalog, Limits())
    for start in range(0, len(lines), size):
        batch = Batch(validator)
        for line in lines[start : start + size]:
            batch.add_json(line)
        assert batch.flawed == []
        answer = await tenant.recorder.record(tenant.name, batch.entries, batch.rejections, actor="test")
        assert (answer.accepted, answer.refused) == (len(batch.entries), {})


async def state(tenant: StoreTenant) -> dict[str, Any]:
    """All that must be the same."""
    report = await tenant.audit()
    assert {check.name for check in report.violated} <= {NOT_MIGRATED}
    rows = {name: await tenant.pool.fetch(query, tenant.name) for name, query in _QUERIES.items()}
    return {"hashes": report.tables, **{name: [tuple(row) for row in found] for name, found in rows.items()}}


_QUERIES = {"pairs": PAIRS, "apart": APART, "activities": ACTIVITIES}


async def lived(tenant: StoreTenant) -> None:
    """Records what can happen to people: merges of owners and callers, their undo, kept apart, voided, linked."""
    pool, catalog, name = tenant.pool, tenant.catalog, tenant.name
    await tenant.record(
        *PEOPLE,
        kept_apart("carl", "carla"),
        activity("v1", "ann"),
        activity("v2", "anne", "2026-01-01T00:00:00.123456789Z"),
    )
    await tenant.record(merged("anne", "ann"), event("TicketOpened", "t3", None, subject="No order"))
    rows = [("anne", "andy"), ("dora", "dot"), ("emil", "em"), ("carl", "carlos"), ("carla", "carlos")]
    new = [NewMerge(f"row{n}", "person", one, (other,), "same") for n, (one, other) in enumerate(rows)]
    outcomes = await merge_batches.run(pool, catalog, name, "person", new, "test")
    assert [*outcomes.refused] == [4]
    await merge_undo.undo(pool, catalog, name, "row1", only=[], reason="no", actor="test", idempotency_key=None)
    await tenant.record(unmerged("anne", "ann"), merged("anne", "ann", sequence=30), merged("carla", "carlos"))
    await forbidden_merges.forbid(pool, catalog, name, "person", "x", "y", reason="twins", actor="test")
    await forbidden_merges.forbid(pool, catalog, name, "person", "x", "z", reason="", actor="test")
    await forbidden_merges.allow(pool, catalog, name, "person", "x", "z", reason="", actor="test")
    await tenant.record(event("PersonDeleted", "ann", 40), event("TicketOpened", "t4", subject="Late", person_id="ann"))
    await tenant.record(event("TicketAssigned", "t2", 2, person_id="emil"), activity("v3", "em", None))
    for kind, key, source, id in (
        ("ticket", "t2", "/tickets", "TicketAssigned/t2/2"),
        ("activity", "v1", "/activities", "v1"),
        ("person", "anne", "/people", merged("anne", "ann", sequence=30)["id"]),
    ):
        await voids.void(pool, catalog, name, kind, key, source, id, "wrong", "test")


async def test_import_of_an_export_gives_equal_hashes(tenant: StoreTenant) -> None:
    await lived(tenant)
    expected = await state(tenant)
    lines = await export(tenant)
    for size in (1, 7, 100):
        other = tenant.other_tenant()
        await take(other, lines, size)
        assert await state(other) == expected
        assert await export(other) == lines


async def test_export_as_of_a_revision_ends_there(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE)
    before = await tenant.record(merged("anne", "ann"))
    lines = await export(tenant)
    await tenant.record(unmerged("anne", "ann"))
    assert await export(tenant, revision=before.revision) == lines
    with pytest.raises(NotYet):
        await export(tenant, revision=before.revision + 2)


async def test_export_of_a_kind_has_what_is_around_it(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE, activity("v1", "ann"), event("GroupCreated", "g1", name="Choir"))
    await tenant.record(merged("anne", "ann"))
    kinds = exported.kinds_around(tenant.catalog, ["person"])
    assert kinds == ["activity", "company", "person", "ticket"]
    lines = [orjson.loads(line) for line in await export(tenant, *kinds)]
    assert len(lines) == len(PEOPLE) + 2
    assert not any(line["subject"] == "g1" for line in lines)
    with pytest.raises(Unknown):
        exported.kinds_around(tenant.catalog, ["nothing"])


OWN = {"specversion": "1.0", "source": "/tether", "id": "i", "subject": "a", "entitykind": "person"}
MERGED = {**OWN, "type": "Merged.v1", "data": {"survivor": "a", "losers": ["b"], "merge": "m"}}


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "PersonCreated.v1"},
        {"type": "MergeForbidden.v1"},
        {"type": "Exported.v1"},
        {"type": "FactVoided.v1", "data": {"source": "/people", "id": "x", "type": "PersonCreated.v1"}},
        {"type": "Linked.v1", "data": {"relationship": "person_ticket", "parent": "b"}},
        {"type": "Linked.v1", "entitykind": "ticket", "data": {"relationship": "person_ticket"}},
        {"type": "Linked.v1", "entitykind": "ticket", "data": {"relationship": "nothing", "parent": "b"}},
        {"type": "GroupChannelLinked.v1", "data": {"relationship": "group_channel", "parent": "g", "child": "a"}},
        {"data": {"survivor": "a", "losers": ["a"]}},
        {"data": {"survivor": "a", "losers": [7]}},
        {"data": {"survivor": "a", "losers": []}},
        {"data": {"survivor": "c", "losers": ["b"]}},
        {"data": {"survivor": "a", "losers": ["b" * 513]}},
        {"data": {"survivor": "a", "losers": ["b"], "reason": "\x00"}},
        {"data": []},
        {"entitykind": "ticket"},
        {"entitykind": "nothing"},
        {"entitykind": None},
        {"subject": None},
    ],
)
def test_own_fact_that_tether_cannot_have_recorded_is_quarantined(catalog: Catalog, changed: dict[str, Any]) -> None:
    batch = Batch(ImportValidator(catalog, Limits()))
    batch.add(MERGED)
    batch.add({**MERGED, **changed})
    assert ([entry.type for entry in batch.entries], len(batch.rejections)) == (["Merged.v1"], 1)


@settings(in_a_database, max_examples=examples(3))
@given(histories(merges_only=True), st.integers(1, 9))
async def test_random_histories_are_exported_and_imported(pool: Pool, events: list[Event], size: int) -> None:
    tenant = StoreTenant(pool, CLINIC).other_tenant()
    await tenant.record_batches(cut_into_batches(Random(size), events))
    other = tenant.other_tenant()
    await take(other, await export(tenant), size)
    assert await state(other) == await state(tenant)
