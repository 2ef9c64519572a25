"""Requests merges of people; carries them out step by step, as their workflow does, without Temporal and owners."""

from catalog.catalog import Catalog
from messages.workflow_ids import Subject
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.operations import merge_batches, merge_undo, merges
from store.operations.merge_checks import NewMerge
from store.operations.merges import MergeRun, advance
from tests.support.harness import Harness
from tests.support.recording import TENANT
from tests.support.scenario import Scenario


async def carry_out(pool: Pool, catalog: Catalog, id: str, *, tenant: str = TENANT) -> MergeRun:
    """Records a merge and counts what it has conserved; returns what it waits for then."""
    async with pool.acquire() as conn:
        kind = await conn.fetchval("select about from operations where tenant = $1 and id = $2", tenant, id)
    run = await advance(pool, catalog, tenant, kind, id)
    if not run.to_prove:
        return run
    async with snapshot(pool, tenant) as at:
        counted = await merges.count(at, catalog, id)
    assert counted is not None
    await merges.store_proof(pool, catalog, tenant, id, counted)
    return await advance(pool, catalog, tenant, kind, id)


async def create_people(scenario: Scenario, *keys: str) -> None:
    """Creates profiles at their owner; returns once Tether has their facts."""
    for key in keys:
        await scenario.request_owner("people", "POST", "/people", id=key, name=key)
    await scenario.wait_for_entities("person", keys)


async def request_merge(harness: Harness, survivor: str, *losers: str) -> str:
    """Requests a merge of people; returns the id of the operation."""
    new = NewMerge("", "person", survivor, losers)
    row = await merges.start(harness.pool, harness.catalog, harness.tenant, new, actor="test", idempotency_key=None)
    return row.id


async def request_merges(harness: Harness, survivor: str, *losers: str) -> str:
    """Requests a merge of people for each loser, all in one batch; returns the id of their operation."""
    new = [NewMerge(f"bulk-{loser}", "person", survivor, (loser,)) for loser in losers]
    outcomes = await merge_batches.run(harness.pool, harness.catalog, harness.tenant, "person", new, "test")
    assert outcomes.operation is not None
    return outcomes.operation


async def request_undo(harness: Harness, id: str, *only: str) -> None:
    """Undoes a merge, or only that of some losers."""
    at = harness.pool, harness.catalog, harness.tenant, id
    await merge_undo.undo(*at, only=only, reason="", actor="test", idempotency_key=None)


def merge_subject(harness: Harness, id: str) -> Subject:
    """Returns the subject of the workflow of a merge of people."""
    return harness.subject("merge", "person", id)


async def aliases(harness: Harness) -> dict[str, str]:
    """Returns loser → survivor."""
    rows = await harness.pool.fetch(
        "select key, survivor from aliases where tenant = $1 and to_revision = $2", harness.tenant, 2**63 - 1
    )
    return {row["key"]: row["survivor"] for row in rows}


async def retirements(harness: Harness, id: str) -> dict[str, str]:
    """Returns loser → the state of its retirement."""
    rows = await harness.pool.fetch(
        "select child, state from operation_children where tenant = $1 and operation = $2", harness.tenant, id
    )
    return {row["child"]: row["state"] for row in rows}
