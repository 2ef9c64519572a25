"""Processes of one consumer that take over, die and go on in any order: together they miss no change."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from errors import Fenced
from store.consumers import acknowledgements, offsets, registrations
from store.consumers.registrations import Registration
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.read import feed, feed_offsets
from store.read.feed_events import event as as_event
from store.read.feed_query import query_for
from tests.support.events import event
from tests.support.sampling import examples
from tests.support.tenants import StoreTenant, in_a_database

NAME = "shopping"
HOLDERS = ("a", "b")

Copy: TypeAlias = dict[str, dict[str, Any]]
"""By subject, the item with the greatest id that was applied."""


@dataclass
class Process:
    """What one process has in memory: nothing before it has taken the consumer over."""

    pool: Pool
    tenant: StoreTenant
    copy: Copy
    generation: int | None = None
    offset: str = ""
    unacknowledged: list[str] = field(default_factory=list)

    async def take_over(self) -> None:
        taken = await registrations.begin_generation(self.pool, self.tenant.name, NAME, "test", None)
        self.generation, self.offset, self.unacknowledged = taken.generation, taken.position, []

    async def read(self, limit: int) -> bool:
        """Applies the next items, in any state of others; returns whether there were any."""
        if self.generation is None:
            await self.take_over()
        async with snapshot(self.pool, self.tenant.name) as at:
            position = feed_offsets.decode(self.tenant.name, self.offset)
            items, position = await feed.page(at, query_for(self.tenant.catalog), position, limit)
        for item in items:
            found = as_event(self.tenant.name, item)
            known = self.copy.get(found["subject"])
            if known is None or known["id"] < found["id"]:
                self.copy[found["subject"]] = found
        self.offset = feed_offsets.encode(self.tenant.name, position)
        self.unacknowledged.append(self.offset)
        return bool(items)

    async def acknowledge(self, n: int) -> None:
        """Acknowledges one of the pages that were read, not always the last; ends if the consumer was taken over."""
        if self.generation is None or not self.unacknowledged:
            return
        offset = offsets.read(self.tenant.name, self.unacknowledged[n % len(self.unacknowledged)])
        try:
            await acknowledgements.acknowledge(self.pool, self.tenant.name, NAME, self.generation, offset)
        except Fenced:
            self.die()

    def die(self) -> None:
        self.generation, self.offset, self.unacknowledged = None, "", []


_who = st.sampled_from(HOLDERS)
_steps = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 4), st.integers(1, 3)),
    st.tuples(st.just("read"), _who, st.integers(1, 3)),
    st.tuples(st.just("acknowledge"), _who, st.integers(0, 3)),
    st.tuples(st.just("take over"), _who, st.just(0)),
    st.tuples(st.just("die"), _who, st.just(0)),
)


@settings(in_a_database, max_examples=examples(8))
@given(steps=st.lists(_steps, min_size=10, max_size=40))
async def test_processes_that_die_and_take_over_miss_no_change(tenant: StoreTenant, steps: list[Any]) -> None:
    tenant = tenant.other_tenant()
    await registrations.register(tenant.pool, tenant.name, NAME, Registration({}, None, 60, ""), "test")
    copy: Copy = {}
    processes = {who: Process(tenant.pool, tenant, copy) for who in HOLDERS}
    position, sequence = "", 0
    for what, who, n in steps:
        match what:
            case "write":
                sequence += 1
                keys = [f"{who}{'x' * 100 * (key % 2)}{key}" for key in range(n)]
                facts = [event("CategoryAdded", key, sequence, name=f"{sequence}") for key in keys]
                await tenant.record(*facts)
            case "read":
                await processes[who].read(n)
            case "acknowledge":
                await processes[who].acknowledge(n)
            case "take over":
                await processes[who].take_over()
            case _:
                processes[who].die()
        found = await registrations.find(tenant.pool, tenant.name, NAME)
        assert found.position >= position
        position = found.position
    last = processes["a"]
    await last.take_over()
    while await last.read(2):
        await last.acknowledge(-1)
    async with snapshot(tenant.pool, tenant.name) as at:
        rows = await at.conn.fetch(
            "select key, data from entities where tenant = $1 and to_revision = 9223372036854775807", tenant.name
        )
    assert {key: found["data"]["data"] for key, found in copy.items()} == {row["key"]: row["data"] for row in rows}
