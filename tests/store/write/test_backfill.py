"""Backfill: relationships that are declared when their facts are in the ledger already."""

from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import pytest

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import KEEP, ONE_TO_ONE, Wait
from errors import BadDeclaration
from facts.correlation import encode
from store.db.pool import Pool
from store.migrate import migrate
from tests.support.events import Event, event
from tests.support.folded_histories import node_history
from tests.support.strategies import deliver
from tests.support.tenants import CATALOG, YARD, StoreTenant, cut_into_batches, recorded_entry

BEFORE = Catalog(YARD.contracts, CATALOG.relationships)
"""Declares the facts of the yard without its relationships."""

_numbers = count(1)


def node(type: str, key: str, sequence: int, /, correlation: str | None = None, **data: Any) -> Event:
    event: Event = {"specversion": "1.0", "id": f"d{next(_numbers)}", "source": "/yard", "type": f"{type}.v1"}
    event |= {"subject": key, "sequence": str(sequence), "data": data}
    return event if correlation is None else {**event, "correlationid": correlation}


async def record_before(tenant: StoreTenant, batches: list[list[Event]]) -> None:
    """Records batches while the relationships of the yard are not declared."""
    for batch in batches:
        entries = [recorded_entry(YARD if event["source"] == OWN_SOURCE else BEFORE, event) for event in batch]
        await tenant.recorder.record(tenant.name, entries, actor="test")


@pytest.mark.parametrize("seed", range(8))
async def test_backfill_gives_same_rows_as_declaring_first(pool: Pool, seed: int) -> None:
    events = node_history(seed, 80)
    batches = cut_into_batches(Random(seed), deliver(seed, events))
    before = StoreTenant(pool, BEFORE)
    await record_before(before, batches)
    assert (await before.rows())[1] == []
    await migrate(pool, YARD)
    later, first = StoreTenant(pool, YARD), StoreTenant(pool, YARD, "first")
    await first.record_batches(batches)
    await later.assert_holds(events)
    entities, links = await later.rows()
    assert (entities, links) == await first.rows()
    assert links


async def test_backfill_between_facts_ends_as_the_model_says(pool: Pool) -> None:
    for seed in range(4):
        events = node_history(seed, 80)
        batches = cut_into_batches(Random(seed), deliver(seed, events, repeats=0))
        name = f"half-{seed}"
        relationships = dict(list(YARD.relationships.items())[: -4 + seed])
        before = StoreTenant(pool, Catalog(YARD.contracts, {**CATALOG.relationships, **relationships}), name)
        await migrate(pool, before.catalog)
        half = len(batches) // 2
        for batch in batches[:half]:
            entries = [recorded_entry(YARD if e["source"] == OWN_SOURCE else before.catalog, e) for e in batch]
            await before.recorder.record(name, entries, actor="test")
        await migrate(pool, YARD)
        after = StoreTenant(pool, YARD, name)
        await after.record_batches(batches[half:])
        await after.assert_holds(events)
        await pool.execute("delete from definitions where relationship = any ($1)", ["tree", "again", "twin", "shadow"])


async def test_backfill_ignores_values_that_are_not_keys(pool: Pool) -> None:
    odd = [True, 1.5, "", [], {}, "x" * 600]
    events = [node("NodeAdded", f"n{n}", 1, up=value) for n, value in enumerate(odd)]
    events += [node("NodeAdded", "seven", 1, up=7), node("NodeChanged", "seven", 0, up="older")]
    await record_before(StoreTenant(pool, BEFORE), [events])
    await migrate(pool, YARD)
    later = StoreTenant(pool, YARD)
    await later.assert_holds(events)
    assert [row["parent"] for row in (await later.rows())[1]] == ["7", "7"]


async def test_backfill_reads_correlation_ids_of_creations_only(pool: Pool) -> None:
    events = [
        node("ShadowCast", "s0", 1, correlation=encode("shadow", "n0")),
        node("ShadowCast", "s1", 1),
        node("ShadowMoved", "s1", 2, correlation=encode("shadow", "n0")),
        node("ShadowCast", "s2", 1, correlation=encode("shadow", "n" * 600)),
        node("ShadowCast", "s3", 1, correlation=encode("shadow", "n\x00")),
        node("ShadowCast", "s4", 1, correlation=encode("elsewhere", "n0")),
        node("ShadowFaded", "s5", 2),
        node("ShadowCast", "s5", 1, correlation=encode("shadow", "n0")),
    ]
    await record_before(StoreTenant(pool, BEFORE), [events])
    await migrate(pool, YARD)
    later = StoreTenant(pool, YARD)
    await later.assert_holds(events)
    assert [(row["child"], row["parent"]) for row in (await later.rows())[1]] == [("s0", "n0")]


async def test_backfill_notifies_own_instances_at_a_readable_revision(pool: Pool) -> None:
    before = StoreTenant(pool, BEFORE)
    await record_before(before, [[node("NodeAdded", "n0", 1), node("NodeAdded", "n1", 1)]])
    await migrate(pool, YARD)
    notified = await pool.fetch(
        "select about as relationship, key as parent, o.revision <= t.revision as readable"
        " from outbox o, tenant_revisions t"
    )
    assert sorted(tuple(row) for row in notified) == [("shadow", "n0", True), ("shadow", "n1", True)]
    await StoreTenant(pool, YARD).assert_holds([*await events_of(pool)])
    await pool.execute("delete from outbox")
    second = {"second": replace(YARD.relationships["shadow"], name="second")}
    await migrate(pool, Catalog(YARD.contracts, {**YARD.relationships, **second}))
    assert {row["relationship"] for row in await pool.fetch("select about as relationship from outbox")} == {"second"}


async def events_of(pool: Pool) -> list[Event]:
    """Reads the events of all facts from the ledger."""
    rows = await pool.fetch("select source, id, type, key, sequence, data from facts")
    return [{**row, "subject": row["key"]} for row in rows]


async def test_backfill_repeated_changes_nothing(yard: StoreTenant) -> None:
    await yard.record_batches([node_history(3, 60)])
    rows, newest = await yard.rows(), await yard.pool.fetchval("select revision from tenant_revisions")
    await migrate(yard.pool, YARD)
    assert (await yard.rows(), await yard.pool.fetchval("select revision from tenant_revisions")) == (rows, newest)


@pytest.mark.parametrize("change", [{"via": "twin"}, {"cardinality": ONE_TO_ONE}, {"parent": "shadow"}])
async def test_changed_kinds_need_a_new_relationship_name(yard: StoreTenant, change: dict[str, Any]) -> None:
    changed = replace(YARD.relationships["tree"], **change)
    with pytest.raises(BadDeclaration, match="Give the changed relationship another name"):
        await migrate(yard.pool, Catalog(YARD.contracts, {**YARD.relationships, "tree": changed}))


async def test_deadline_of_a_relationship_may_change(yard: StoreTenant) -> None:
    longer = replace(YARD.relationships["tree"], on_missing=Wait(YARD.relationships["tree"].on_missing.deadline * 2))
    await migrate(yard.pool, Catalog(YARD.contracts, {**YARD.relationships, "tree": longer}))


async def test_new_cascade_policy_covers_parents_deleted_before(pool: Pool) -> None:
    teams = CATALOG.relationships["event_team"]
    kept = Catalog(CATALOG.contracts, {**CATALOG.relationships, "event_team": replace(teams, on_parent_deleted=KEEP)})
    await pool.execute("update definitions set policy = 'keep' where relationship = 'event_team'")
    tenant = StoreTenant(pool, kept)
    for key in ("cup", "empty", "there"):
        await tenant.record(event("EventCreated", key, 1, name=key))
    await tenant.record(*(event("TeamCreated", f"of-{key}", 1, name="x", event_id=key) for key in ("cup", "there")))
    await tenant.record(event("EventDeleted", "cup", 2), event("EventDeleted", "empty", 2))
    query = "select about, key, fact from outbox where workflow = 'cascade'"
    assert await pool.fetch(query) == []
    await migrate(pool, kept)
    assert await pool.fetch(query) == []
    await migrate(pool, CATALOG)
    assert [tuple(row) for row in await pool.fetch(query)] == [("event", "cup", "PolicyChanged")]
    await pool.execute("delete from outbox")
    await migrate(pool, CATALOG)
    assert await pool.fetch(query) == []
