"""A merge, its undo, and merges in bulk beside moves, deletions and cascades of the same entities.

In every order of their locks and commits the tables are what the model says, and what is requested is what the entities
are by then.
"""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from store.audit.verify import verify
from store.db.pool import Pool, transaction
from store.operations import cascades, children_to_request, merge_batches, merge_undo, merges, moves
from store.operations.merge_checks import NewMerge
from store.write.settle import settle
from tests.support.events import Event, event
from tests.support.interleavings import COMMIT, Task, explore
from tests.support.merge_requests import carry_out
from tests.support.people import PEOPLE, merged
from tests.support.tenants import StoreTenant, recorded_entry

LOCKED = ("lock_tenant_revision", COMMIT)
_NUMBERS = count(1)

Preparation = Callable[[StoreTenant], Awaitable[Task]]


def settling(fact: Event) -> Preparation:
    async def prepare(tenant: StoreTenant) -> Task:
        async def task(pool: Pool) -> None:
            async with transaction(pool) as conn:
                await settle(conn, tenant.catalog, tenant.name, [recorded_entry(tenant.catalog, fact)], "test")

        return task

    return prepare


async def requested(tenant: StoreTenant) -> str:
    new = NewMerge("", "person", "anne", ("ann",))
    return (await merges.start(tenant.pool, tenant.catalog, tenant.name, new, actor="t", idempotency_key=None)).id


async def merging(tenant: StoreTenant) -> Task:
    id = await requested(tenant)

    async def task(pool: Pool) -> None:
        await merges.advance(pool, tenant.catalog, tenant.name, "person", id)

    return task


async def merging_many(tenant: StoreTenant) -> Task:
    async def task(pool: Pool) -> None:
        new = [NewMerge("m1", "person", "anne", ("ann",)), NewMerge("m2", "person", "bob", ("cid",))]
        await merge_batches.run(pool, tenant.catalog, tenant.name, "person", new, "t")

    return task


async def undoing(tenant: StoreTenant) -> Task:
    id = await requested(tenant)
    await carry_out(tenant.pool, tenant.catalog, id, tenant=tenant.name)

    async def task(pool: Pool) -> None:
        at = pool, tenant.catalog, tenant.name, id
        await merge_undo.undo(*at, only=(), reason="", actor="t", idempotency_key=None)

    return task


async def moving(tenant: StoreTenant) -> Task:
    relationship = tenant.catalog.relationship("person_ticket")

    async def task(pool: Pool) -> None:
        await moves.start(pool, tenant.name, relationship, child="t3", to="ann", actor="t", idempotency_key=None)

    return task


async def requesting_move(tenant: StoreTenant) -> Task:
    await (await moving(tenant))(tenant.pool)

    async def task(pool: Pool) -> None:
        await moves.advance(pool, tenant.name, tenant.catalog.relationship("person_ticket"), "t3")

    return task


async def cascading(tenant: StoreTenant) -> Task:
    await tenant.record(event("PersonDeleted", "anne", 30))

    async def task(pool: Pool) -> None:
        await cascades.advance(pool, tenant.catalog, tenant.name, "person", "anne")

    return task


SUBJECTS: dict[str, Preparation] = {"merge": merging, "merges in bulk": merging_many, "undo": undoing}
OTHERS: dict[str, Preparation] = {
    "move": moving,
    "request of a move": requesting_move,
    "cascade": cascading,
    "deletion of the survivor": settling(event("PersonDeleted", "anne", 30)),
    "deletion of the loser": settling(event("PersonDeleted", "ann", 30)),
    "deletion of a child": settling(event("TicketRemoved", "t1", 30)),
    "child that is assigned to the loser": settling(event("TicketAssigned", "t3", 30, person_id="ann")),
    "owner's merge with a common member": settling(merged("cid", "ann", sequence=30)),
}


async def complete(tenant: StoreTenant) -> None:
    """Does what the workflows do that are notified, up to their requests to owners; checks what these would say."""
    aliases = {row["key"]: row["survivor"] for row in await tenant.pool.fetch(_ALIASES, tenant.name, 2**63 - 1)}
    relationship = tenant.catalog.relationship("person_ticket")
    status = await moves.advance(tenant.pool, tenant.name, relationship, "t3")
    if status.operation is not None:
        request = await moves.pending_request(tenant.pool, tenant.name, relationship, status.operation.id)
        assert request is not None
        named = status.operation.parent or ""  # what "ann" stood for when the move was requested
        assert (request.target, request.expected_parent) == (aliases.get(named, named), "bob")
    for key in ("anne", "ann"):
        swept = await cascades.advance(tenant.pool, tenant.catalog, tenant.name, "person", key)
        if swept.operation is not None:
            at = tenant.pool, tenant.catalog, tenant.name
            page = await children_to_request.next_page(*at, swept.operation.id, relationship, "", 10, repeat=False)
            found = {(candidate.child.key, candidate.parent) for candidate in page.candidates} if page else set()
            assert found == {tuple(row) for row in await tenant.pool.fetch(_CHILDREN, tenant.name, key, 2**63 - 1)}


_ALIASES = "select key, survivor from aliases where tenant = $1 and to_revision = $2"
_CHILDREN = """
    select child, coalesce(stated_parent, parent) from links
    where tenant = $1 and relationship = 'person_ticket' and parent = $2 and to_revision = $3
"""


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("subject", SUBJECTS)
async def test_merge_beside_another_operation_is_right_in_every_order(pool: Pool, subject: str, other: str) -> None:
    async def prepare() -> tuple[Any, Task]:
        tenant = StoreTenant(pool, name=f"t{next(_NUMBERS)}")
        await tenant.record(*PEOPLE, *(event("PersonCreated", key, 3, name=key) for key in ("bob", "cid")))
        await tenant.record(event("TicketOpened", "t3", subject="x", person_id="bob"))
        tasks = {
            subject: (await SUBJECTS[subject](tenant), LOCKED),
            other: (await OTHERS[other](tenant), LOCKED),
        }

        async def check(pool: Pool) -> None:
            await complete(tenant)
            (report,) = (await verify(pool, tenant.catalog, tenant.name, rebuild=True)).tenants
            assert report.violated == []

        return tasks, check

    assert await explore(pool, prepare) > 1
