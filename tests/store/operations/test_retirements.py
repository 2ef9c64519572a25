"""Which losers of a merge their owner is requested to retire, once facts of owners have changed what is merged."""

import pytest

from store.db.pool import Pool
from store.operations import merges, retirements
from store.operations.merge_checks import NewMerge
from tests.support.events import Event, event
from tests.support.merge_requests import carry_out
from tests.support.people import merged, unmerged
from tests.support.tenants import CATALOG, StoreTenant


@pytest.mark.parametrize(
    ("facts", "survivors", "state"),
    [
        ([], {"b": "a"}, "planned"),
        ([merged("c", "a")], {"b": "a"}, "planned"),
        ([unmerged("a", "b")], {}, "skipped"),
        ([unmerged("a", "b"), merged("c", "b")], {}, "skipped"),
        ([unmerged("a", "b"), merged("c", "b"), merged("c", "a")], {"b": "a"}, "planned"),
    ],
    ids=["as merged", "survivor merged", "undone", "merged into another", "joined by another"],
)
async def test_only_what_is_the_same_as_the_named_survivor_is_retired(
    pool: Pool, facts: list[Event], survivors: dict[str, str], state: str
) -> None:
    tenant = StoreTenant(pool, CATALOG)
    await tenant.record(*(event("PersonCreated", key, 1, name=key) for key in "abc"))
    new = NewMerge("", "person", "a", ("b",))
    row = await merges.start(pool, CATALOG, tenant.name, new, actor="test", idempotency_key=None)
    await carry_out(pool, CATALOG, row.id, tenant=tenant.name)
    if facts:
        await tenant.record(*facts)
    found = await retirements.to_request(pool, tenant.name, "person", row.id, repeat=False, limit=10)
    assert {loser.loser: loser.survivor for loser in found} == survivors
    await merges.advance(pool, CATALOG, tenant.name, "person", row.id)
    stored = await pool.fetchval(
        "select state from operation_children where tenant = $1 and operation = $2", tenant.name, row.id
    )
    assert stored == state
