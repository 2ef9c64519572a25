"""Many merges at once: each is decided as if it were recorded alone, after those before it."""

from random import Random
from typing import Any

import pytest

from errors import CardinalityBroken, Conflict, ForbiddenMerge
from store.db.pool import transaction
from store.operations import merge_batches, merge_checks, merge_undo, operations, retirements
from store.operations.merge_checks import NewMerge
from store.write.settle import settle
from store.write.tenant_lock import lock
from tests.support.events import event
from tests.support.merge_requests import carry_out
from tests.support.merging import activity
from tests.support.people import PEOPLE, kept_apart, unmerged
from tests.support.tenants import CLINIC, StoreTenant


def people(*pairs: tuple[str, str], first: int = 0) -> list[NewMerge]:
    """One merge for each (survivor, loser)."""
    return [NewMerge(f"row{n}", "person", one, (other,)) for n, (one, other) in enumerate(pairs, first)]


async def run(tenant: StoreTenant, *new: NewMerge) -> merge_batches.MergeOutcomes:
    return await merge_batches.run(tenant.pool, tenant.catalog, tenant.name, new[0].kind, new, "test")


async def test_each_merge_of_a_batch_has_an_outcome_of_its_own(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE, kept_apart("ann", "bob"))
    new = people(("anne", "ann"), ("anne", "ann"), ("anne", "bob"), ("carl", "carla"))
    seen = await merge_batches.preview(tenant.pool, tenant.catalog, tenant.name, "person", new)
    done = await run(tenant, *new)
    assert done.revision == seen.revision + 1
    assert (done.merged, done.already, [*done.refused]) == ([0, 3], [1], [2])
    assert (seen.merged, seen.already, seen.refused) == (done.merged, done.already, done.refused)
    assert sorted(done.refused[2].details["path"]) == ["ann", "anne", "bob"]
    assert (await tenant.audit()).violated == []


async def test_same_ids_again_have_no_effect_also_after_an_undo(tenant: StoreTenant) -> None:
    first = await run(tenant, *people(("a", "b"), ("c", "d")))
    again = await run(tenant, *people(("a", "b"), ("c", "d")))
    assert (again.merged, again.already, again.revision) == ([], [0, 1], first.revision)
    undone = await tenant.record(unmerged("a", "b"))
    again = await run(tenant, *people(("a", "b"), ("c", "d")))
    assert (again.merged, again.already, again.revision) == ([], [0, 1], undone.revision)
    assert (await run(tenant, *people(("a", "b"), first=7))).merged == [0]


async def proofs(tenant: StoreTenant) -> dict[str, Any]:
    """Merge → its proof."""
    rows = await tenant.pool.fetch("select id, proof from merges where tenant = $1", tenant.name)
    return {row["id"]: row["proof"] for row in rows}


async def test_one_operation_proves_and_retires_what_a_batch_merges(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE, *(event("PersonCreated", key, 1, name=key) for key in ("bob", "cid")))
    await tenant.record(activity("v1", "ann"), activity("v2", "cid"))
    done = await run(tenant, *people(("anne", "ann"), ("bob", "cid"), ("carl", "carla"), ("cid", "dora")))
    assert done.operation is not None
    waits = await carry_out(tenant.pool, tenant.catalog, done.operation, tenant=tenant.name)
    assert waits.to_retire
    children = await retirements.to_request(tenant.pool, tenant.name, "person", done.operation, repeat=False, limit=9)
    assert [(child.loser, child.survivor) for child in children] == [("ann", "anne"), ("cid", "bob")]
    found = await proofs(tenant)
    assert {id: [key["key"] for key in proof["keys"]] for id, proof in found.items()} == {
        "row0": ["ann", "anne"],
        "row1": ["bob", "cid", "dora"],
        "row2": ["carl", "carla"],
        "row3": ["bob", "cid", "dora"],
    }
    assert {proof["lost"] for proof in found.values()} == {""}
    assert found["row1"]["keys"][1]["after"]["activity"]["count"] == 1
    assert (await tenant.audit()).violated == []
    await tenant.record(*(event("PersonDeleted", key, 9) for key in ("ann", "cid")))
    assert (await carry_out(tenant.pool, tenant.catalog, done.operation, tenant=tenant.name)).operation is None
    assert (await operations.find(tenant.pool, tenant.name, done.operation)).state == "done"


async def test_batch_that_loses_anything_is_undone(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE)
    done = await run(tenant, *people(("anne", "ann"), ("carl", "carla")))
    assert done.operation is not None
    await tenant.pool.execute("delete from links where child = 't1' and to_revision = 9223372036854775807")
    await carry_out(tenant.pool, tenant.catalog, done.operation, tenant=tenant.name)
    row = await operations.find(tenant.pool, tenant.name, done.operation)
    assert (row.state, row.ended_because) == ("refused", "not_conserved")
    query = "select count(*) from aliases where tenant = $1 and to_revision = 9223372036854775807"
    assert await tenant.pool.fetchval(query, tenant.name) == 0


async def test_id_of_a_merge_that_is_refused_may_be_used_in_the_same_batch(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE, kept_apart("ann", "bob"))
    refused, other, third = (
        NewMerge("id", "person", one, (loser,)) for one, loser in (("ann", "bob"), ("carl", "carla"), ("x", "y"))
    )
    done = await run(tenant, refused, other, third)
    assert (done.merged, [*done.refused]) == ([1], [0, 2])
    assert done.refused[2].code == "merge_id_used"


async def test_undo_notifies_the_operation_of_the_batch(tenant: StoreTenant) -> None:
    done = await run(tenant, *people(("a", "b"), ("c", "d")))
    await tenant.pool.execute("delete from outbox")
    at = tenant.pool, tenant.catalog, tenant.name
    await merge_undo.undo(*at, "row0", only=(), reason="", actor="t", idempotency_key=None)
    rows = await tenant.pool.fetch("select key, fact from outbox where workflow = 'merge'")
    assert [tuple(row) for row in rows] == [(done.operation, "MergeUndone")]


async def test_id_of_another_merge_is_refused(tenant: StoreTenant) -> None:
    await run(tenant, *people(("a", "b")))
    assert (await run(tenant, *people(("a", "c")))).refused[0].code == "merge_id_used"


async def test_kind_without_merges_is_refused_whole(tenant: StoreTenant) -> None:
    with pytest.raises(Conflict):
        await run(tenant, NewMerge("x", "ticket", "t1", ("t2",)))


async def one_by_one(tenant: StoreTenant, new: list[NewMerge]) -> tuple[list[int], list[int]]:
    """Records merges one after another, as single requests do; returns the positions of those merged, and refused."""
    merged, refused = [], []
    for index, merge in enumerate(new):
        async with transaction(tenant.pool) as conn:
            locked = await lock(conn, tenant.name)
            checked = await merge_checks.check(conn, tenant.catalog, tenant.name, merge, locked.now)
            try:
                merge_checks.raise_refused(checked.refused)
            except (ForbiddenMerge, CardinalityBroken):
                refused.append(index)
                continue
            await settle(conn, tenant.catalog, tenant.name, checked.entries, "test")
            merged.append(index)
    return merged, refused


@pytest.mark.parametrize("seed", range(12))
async def test_batch_decides_as_its_merges_one_after_another(tenant: StoreTenant, seed: int) -> None:
    random = Random(seed)
    clinic = StoreTenant(tenant.pool, CLINIC)
    keys = [f"p{n}" for n in range(12)]
    facts = [event("SiteOpened", site, source="/clinic") for site in ("s1", "s2", "s3")]
    for n, key in enumerate(random.sample(keys, 9)):
        where = random.choice([{}, {}, {"site": random.choice(["s1", "s2"])}])
        facts.append(event("PatientAdmitted", key, n + 1, source="/clinic", **where))
    for n in range(2):
        one, other = random.sample(keys, 2)
        facts.append(event("PatientsKeptApart", one, 50 + n, source="/clinic", one=one, other=other))
    new = []
    for n in range(8):
        survivor, *losers = random.sample(keys, random.choice([2, 2, 3]))
        new.append(NewMerge(f"row{n}", "patient", survivor, tuple(losers)))
    together, apart = clinic.other_tenant(), clinic.other_tenant()
    for each in (together, apart):
        await each.record(*facts)
    outcomes = await run(together, *new)
    merged, refused = await one_by_one(apart, new)
    assert [*outcomes.refused] == refused
    assert sorted([*outcomes.merged, *outcomes.already]) == merged
    assert {line for line in await together.lines() if b"alias" in line} == {
        line for line in await apart.lines() if b"alias" in line
    }
