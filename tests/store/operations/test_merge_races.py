"""Merges beside other merges, undo, forbidding, moves and deletions: each order of statements ends consistently."""

from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from errors import Conflict, ForbiddenMerge
from store.db.pool import Pool, transaction
from store.operations import forbidden_merges, merge_undo, merges
from store.operations.merge_checks import NewMerge
from store.write.settle import settle
from tests.support.events import Event, event
from tests.support.interleavings import COMMIT, Task, explore
from tests.support.merge_requests import carry_out
from tests.support.people import PEOPLE, kept_apart, merged
from tests.support.tenants import StoreTenant, recorded_entry

LOCKED = ("lock_tenant_revision", COMMIT)
_NUMBERS = count(1)


def fresh_tenant(pool: Pool) -> StoreTenant:
    return StoreTenant(pool, name=f"t{next(_NUMBERS)}")


async def requested(tenant: StoreTenant, survivor: str, *losers: str) -> str:
    """Requests a merge of people; returns the id of the operation."""
    new = NewMerge("", "person", survivor, losers)
    return (await merges.start(tenant.pool, tenant.catalog, tenant.name, new, actor="t", idempotency_key=None)).id


def carrying_out(tenant: StoreTenant, id: str) -> Task:
    """A task that records and proves a merge."""

    async def task(pool: Pool) -> None:
        await carry_out(pool, tenant.catalog, id, tenant=tenant.name)

    return task


def settling(tenant: StoreTenant, fact: Event) -> Task:
    """A task that settles one fact."""

    async def task(pool: Pool) -> None:
        async with transaction(pool) as conn:
            await settle(conn, tenant.catalog, tenant.name, [recorded_entry(tenant.catalog, fact)], "test")

    return task


async def state(tenant: StoreTenant, id: str) -> str:
    found: str = await tenant.pool.fetchval(
        "select coalesce(ended_because, state) from operations where tenant = $1 and id = $2", tenant.name, id
    )
    return found


async def aliases(tenant: StoreTenant) -> dict[str, str]:
    rows = await tenant.pool.fetch(
        "select key, survivor from aliases where tenant = $1 and to_revision = $2", tenant.name, 2**63 - 1
    )
    return {row["key"]: row["survivor"] for row in rows}


async def ticket_of(tenant: StoreTenant, key: str) -> str | None:
    found: str | None = await tenant.pool.fetchval(
        "select parent from links where tenant = $1 and child = $2 and to_revision = $3", tenant.name, key, 2**63 - 1
    )
    return found


async def test_of_two_merges_that_join_a_forbidden_pair_one_is_refused(pool: Pool) -> None:
    async def prepare() -> tuple[Any, Task]:
        tenant = fresh_tenant(pool)
        await tenant.record(kept_apart("ann", "cid"))
        ids = [await requested(tenant, "ann", "bob"), await requested(tenant, "cid", "bob")]

        async def check(pool: Pool) -> None:
            assert sorted([await state(tenant, id) for id in ids]) == ["done", "pair_forbidden"]
            assert await aliases(tenant) in ({"bob": "ann"}, {"bob": "cid"})
            assert await pool.fetchval("select count(*) from merge_pairs where set_aside is not null") == 0

        return {str(n): (carrying_out(tenant, id), LOCKED) for n, id in enumerate(ids)}, check

    assert await explore(pool, prepare) > 5


async def test_pair_is_either_merged_or_forbidden(pool: Pool) -> None:
    async def prepare() -> tuple[Any, Task]:
        tenant = fresh_tenant(pool)
        id = await requested(tenant, "ann", "bob")

        async def forbid(pool: Pool) -> None:
            with suppress(ForbiddenMerge):
                at = pool, tenant.catalog, tenant.name, "person", "ann", "bob"
                await forbidden_merges.forbid(*at, reason="", actor="t")

        async def check(pool: Pool) -> None:
            query = "select count(*) from forbidden_pairs where tenant = $1"
            forbidden = bool(await pool.fetchval(query, tenant.name))
            assert await state(tenant, id) == ("pair_forbidden" if forbidden else "done")
            assert await aliases(tenant) == ({} if forbidden else {"bob": "ann"})

        return {"merge": (carrying_out(tenant, id), LOCKED), "forbid": (forbid, LOCKED)}, check

    assert await explore(pool, prepare) > 5


async def test_undo_during_the_merge_of_its_operation_ends_with_it_undone(pool: Pool) -> None:
    async def prepare() -> tuple[Any, Task]:
        tenant = fresh_tenant(pool)
        id = await requested(tenant, "ann", "bob")
        refused: list[Conflict] = []

        async def undo(pool: Pool) -> None:
            try:
                at = pool, tenant.catalog, tenant.name, id
                await merge_undo.undo(*at, only=(), reason="", actor="t", idempotency_key=None)
            except Conflict as error:  # it was not recorded yet
                refused.append(error)

        async def check(pool: Pool) -> None:
            assert await state(tenant, id) == "done"
            assert await aliases(tenant) == ({"bob": "ann"} if refused else {})

        return {"merge": (carrying_out(tenant, id), LOCKED), "undo": (undo, LOCKED)}, check

    assert await explore(pool, prepare) > 5


FACTS = {
    "child moves to the loser": (event("TicketAssigned", "t2", 2, person_id="ann"), "anne"),
    "child arrives for the loser": (event("TicketOpened", "t2", 1, subject="x", person_id="ann"), "anne"),
    "loser is deleted": (event("PersonDeleted", "ann", 5), "anne"),
    "survivor is deleted": (event("PersonDeleted", "anne", 5), "anne"),
    "owner merges the survivor": (merged("zoe", "anne"), "zoe"),
}


@pytest.mark.parametrize("which", FACTS)
async def test_fact_beside_a_merge_has_the_same_end_in_every_order(pool: Pool, which: str) -> None:
    fact, survivor = FACTS[which]

    async def prepare() -> tuple[Any, Task]:
        tenant = fresh_tenant(pool)
        await tenant.record(*(one for one in PEOPLE if one["id"] != fact["id"]))
        id = await requested(tenant, "anne", "ann")

        async def check(pool: Pool) -> None:
            assert (await aliases(tenant))["ann"] == survivor
            assert await ticket_of(tenant, "t1") == survivor
            proof = await pool.fetchval("select proof from merges where tenant = $1 and id = $2", tenant.name, id)
            assert proof["lost"] == ""

        return {"merge": (carrying_out(tenant, id), LOCKED), "fact": (settling(tenant, fact), LOCKED)}, check

    assert await explore(pool, prepare) > 3
