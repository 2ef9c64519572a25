"""Telling facts to the store, and what it should have come to, for the tests of this folder."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from config import Limits
from facts import own_facts
from facts.envelope import Entry, microseconds, read
from facts.validation import Validator
from model import facts, lines
from model.fold import fold
from model.state import ModelState
from store.audit import fingerprint
from store.audit.verify import TenantReport, verify
from store.db.pool import Connection, Pool
from store.db.sql import fetch_value
from store.write.recorder import Recorded, Recorder
from tests.support.events import Event

CATALOG = catalogs.load()
YARD = catalogs.load([Path(__file__).parent / "catalogs" / "yard"])

in_a_database = settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
"""Each example takes a tenant of its own."""

_TENANTS = count(1)


def entry(catalog: Catalog, event: Event) -> Entry:
    """As it is recorded: admitted, or Tether's own."""
    if event["source"] != OWN_SOURCE:
        return Validator(catalog, Limits()).validate(read(event))
    data = event["data"]
    child = catalog.relationship(data["relationship"]).child
    name = event["type"].removesuffix(".v1")
    names = ((data["relationship"], data.get("parent")),)
    time = microseconds(event.get("time"))
    return own_facts.entry(
        name, child, event["subject"], data, id=event["id"], sequence=event.get("sequence"), time=time, names=names
    )


def cut(random: Random, events: Sequence[Event], most: int = 8) -> list[list[Event]]:
    """Into batches of 1 to ``most``."""
    batches, rest = [], list(events)
    while rest:
        size = random.randint(1, most)
        batches.append(rest[:size])
        rest = rest[size:]
    return batches


def folded(catalog: Catalog, events: Sequence[Event]) -> ModelState:
    """What the model says."""
    return fold(catalog, [facts.read(catalog, event) for event in events])


def expected(catalog: Catalog, events: Sequence[Event]) -> list[bytes]:
    """The model's lines of all entities and links."""
    state = folded(catalog, events)
    return lines.entity_lines(state) + lines.link_lines(state)


def waiting(catalog: Catalog, events: Sequence[Event]) -> Counter[tuple[str, ...]]:
    """(relationship, parent, what it lacks, who owes it), computed plainly from the model's state."""
    state = folded(catalog, events)
    found = set()
    for name, relationship in catalog.relationships.items():
        links = [link for (of, _), link in state.links.items() if of == name]
        owner = catalog.owner_of(relationship.parent)
        found |= {(name, link.parent, "parent", owner) for link in links if link.state == "waiting"}
        if relationship.requested is not None:
            live = {
                key for (kind, key), it in state.entities.items() if (kind, it.state) == (relationship.parent, "live")
            }
            owner = catalog.owner_of(relationship.child)
            found |= {(name, key, "child", owner) for key in live - {link.parent for link in links}}
    return Counter(found)


@dataclass
class Tether:
    """One tenant of a database, told facts through a recorder."""

    pool: Pool
    catalog: Catalog = CATALOG
    tenant: str = "main"
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.pool, self.catalog)

    def other(self) -> "Tether":
        """Another tenant, who has told nothing yet."""
        return replace(self, tenant=f"t{next(_TENANTS)}")

    async def tell(self, *events: Event) -> Recorded:
        """As one batch."""
        return await self.recorder.record(self.tenant, [entry(self.catalog, e) for e in events], actor="test")

    async def deliver(self, batches: Sequence[Sequence[Event]]) -> Recorded:
        """Batch after batch; the last answer."""
        answer = Recorded(0)
        for batch in batches:
            answer = await self.tell(*batch)
        return answer

    async def lines(self, revision: int | None = None) -> list[bytes]:
        """The tables' lines of all entities and links, now or as of a revision."""
        async with self.pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            return await self.lines_in(conn, revision)

    async def lines_in(self, conn: Connection, revision: int | None = None) -> list[bytes]:
        """The same, within the caller's transaction."""
        at = revision if revision is not None else await fetch_value(conn, "revision", tenant=self.tenant) or 0
        entities = [line async for line, _ in fingerprint.entities(conn, self.catalog, self.tenant, at)]
        return entities + [line async for line, _ in fingerprint.links(conn, self.catalog, self.tenant, at)]

    async def waits(self) -> Counter[tuple[str, ...]]:
        """(relationship, parent, what it lacks, who owes it), as they are in the table."""
        rows = await self.pool.fetch(
            "select relationship, parent, missing, owner from waits where tenant = $1", self.tenant
        )
        return Counter(tuple(row) for row in rows)

    async def verified(self) -> TenantReport:
        """With everything folded anew."""
        (verified,) = (await verify(self.pool, self.catalog, self.tenant, rebuild=True)).tenants
        return verified

    async def holds(self, events: Sequence[Event]) -> None:
        """The tables hold what these facts say, and nothing of it is unsound."""
        assert await self.lines() == expected(self.catalog, events)
        assert await self.waits() == waiting(self.catalog, events)
        verified = await self.verified()
        assert verified.violated == []
        assert verified.ledger == verified.tables == fingerprint.of_model(self.catalog, folded(self.catalog, events))

    async def rows(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Current entities and links, without revisions and clock."""
        entities = await self.pool.fetch(
            "select kind, key, state, sequence, data, latest, created, ended, older, refs from entities"
            " where tenant = $1 and to_revision = 9223372036854775807 order by kind, key",
            self.tenant,
        )
        links = await self.pool.fetch(
            "select relationship, child, parent, rank from links"
            " where tenant = $1 and to_revision = 9223372036854775807 order by relationship, child",
            self.tenant,
        )
        return [dict(row) for row in entities], [dict(row) for row in links]
