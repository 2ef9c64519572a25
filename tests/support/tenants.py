"""Records facts for a tenant, and computes with the model what the tables must hold then."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from facts import own_facts
from facts.elements import own_change
from facts.envelope import ElementChange, Entry, Reference, nanoseconds, read
from model import facts, lines
from model.fold import fold
from model.state import ModelState
from store.audit import fingerprint
from store.audit.verify import TenantReport, verify
from store.db.pool import Connection, Pool
from store.db.sql import fetch_value
from store.write.recorder import Recorder
from store.write.recording import Recorded
from tests.support.events import Event
from tests.support.sampling import examples
from tests.support.validators import validator_of

CATALOG = catalogs.load()
YARD = catalogs.load([Path(__file__).parent / "catalogs" / "yard"])
ARCHIVE = catalogs.load([Path(__file__).parent / "catalogs" / "archive"])
CLINIC = catalogs.load([Path(__file__).parent / "catalogs" / "clinic"])
LIBRARY = catalogs.load([Path(__file__).parent / "catalogs" / "library"])
TRACKER = catalogs.load([Path(__file__).parent / "catalogs" / "tracker"])

in_a_database = settings(
    deadline=None,
    max_examples=examples(27),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
"""Settings of hypothesis for tests that use a database: each example takes a tenant of its own."""

_TENANTS = count(1)

Waits = Counter[tuple[str, ...]]
"""How often each (relationship, parent, missing side, owner) waits."""


def recorded_entry(catalog: Catalog, event: Event) -> Entry:
    """Returns an event as the ledger keeps it: validated if an owner published it, else as Tether's own fact."""
    if event["source"] != OWN_SOURCE:
        return validator_of(catalog).validate(read(event))
    data, kind = event["data"], ""
    names: tuple[Reference, ...] = ()
    elements: tuple[ElementChange, ...] = ()
    if "relationship" in data:
        relationship = catalog.relationship(data["relationship"])
        kind = relationship.listing_kind
        if relationship.many:
            elements = (own_change(relationship, data, added=event["type"] == "Linked.v1"),)
        else:
            names = (Reference(data["relationship"], data.get("parent")),)
    return own_facts.entry(
        event["type"].removesuffix(".v1"),
        data.get("kind", kind),
        event["subject"],
        data,
        id=event["id"],
        sequence=event.get("sequence"),
        time=nanoseconds(event.get("time")),
        names=names,
        elements=elements,
    )


def cut_into_batches(random: Random, events: Sequence[Event], most: int = 8) -> list[list[Event]]:
    """Returns the events in batches of 1 to ``most``."""
    batches, rest = [], list(events)
    while rest:
        size = random.randint(1, most)
        batches.append(rest[:size])
        rest = rest[size:]
    return batches


def fold_events(catalog: Catalog, events: Sequence[Event]) -> ModelState:
    """Returns the state that the model folds the events into, which have arrived in this order."""
    return fold(catalog, [facts.read(catalog, event, n) for n, event in enumerate(events, 1)])


def expected_lines(catalog: Catalog, events: Sequence[Event]) -> list[bytes]:
    """Returns the model's lines of all entities, links and aliases."""
    state = fold_events(catalog, events)
    return lines.entity_lines(state) + lines.link_lines(state) + lines.alias_lines(state)


def expected_waits(catalog: Catalog, events: Sequence[Event]) -> Waits:
    """Returns the waits that follow from the model's state."""
    state = fold_events(catalog, events)
    found = set()
    for name, relationship in catalog.relationships.items():
        links = [link for (of, *_), link in state.links.items() if of == name]
        waiting = [at for at, link in state.links.items() if at[0] == name and link.state == "waiting"]
        owner = catalog.owner_of(relationship.element_kind)
        if relationship.parent_lists:
            found |= {(name, child, "child", owner) for _, child, _ in waiting}
        else:
            found |= {(name, state.links[at].parent, "parent", owner) for at in waiting}
        if relationship.requested is not None:
            live = {
                key for (kind, key), it in state.entities.items() if (kind, it.state) == (relationship.parent, "live")
            }
            owner = catalog.owner_of(relationship.child)
            found |= {
                (name, key, "child", owner) for key in live - {link.parent for link in links if link.state != "broken"}
            }
    return Counter(found)


@dataclass
class StoreTenant:
    """One tenant of a database, and a recorder for its facts."""

    pool: Pool
    catalog: Catalog = CATALOG
    name: str = "main"
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        # Random histories have times of any year.
        self.recorder = Recorder(self.pool, self.catalog, timedelta.max)

    def other_tenant(self) -> "StoreTenant":
        """Returns a new tenant of the same database, without facts."""
        return replace(self, name=f"t{next(_TENANTS)}")

    async def record(self, *events: Event) -> Recorded:
        """Records the events in one batch."""
        return await self.recorder.record(self.name, [recorded_entry(self.catalog, e) for e in events], actor="test")

    async def record_own(self, name: str, kind: str, key: str, data: dict[str, Any]) -> Recorded:
        """Records a fact of Tether's own, without a place in the order but its arrival."""
        id = own_facts.derived_id(name, kind, key, str(sorted(data.items())))
        entry = own_facts.entry(name, kind, key, data, id=id)
        return await self.recorder.record(self.name, [entry], actor="test")

    async def record_batches(self, batches: Sequence[Sequence[Event]]) -> Recorded:
        """Records batch after batch; returns the answer to the last."""
        answer = Recorded(0)
        for batch in batches:
            answer = await self.record(*batch)
        return answer

    async def lines(self, revision: int | None = None) -> list[bytes]:
        """Returns the tables' lines of all entities, links and aliases as of a revision; None: as of the newest."""
        async with self.pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            return await self.lines_in(conn, revision)

    async def lines_in(self, conn: Connection, revision: int | None = None) -> list[bytes]:
        """Returns the same, within the caller's transaction."""
        at = revision if revision is not None else await fetch_value(conn, "revision", tenant=self.name) or 0
        entities = [line async for line, _ in fingerprint.entities(conn, self.catalog, self.name, at)]
        links = [line async for line, _ in fingerprint.links(conn, self.catalog, self.name, at)]
        return entities + links + [line async for line, _ in fingerprint.aliases(conn, self.name, at)]

    async def waits(self) -> Waits:
        """Returns the waits in the table."""
        rows = await self.pool.fetch(
            "select relationship, parent, missing, owner from waits where tenant = $1", self.name
        )  # fmt: skip
        return Counter(tuple(row) for row in rows)

    async def audit(self) -> TenantReport:
        """Verifies the tenant and rebuilds it from the ledger."""
        (report,) = (await verify(self.pool, self.catalog, self.name, rebuild=True)).tenants
        return report

    async def assert_holds(self, events: Sequence[Event]) -> None:
        """Asserts that the tables hold exactly what these facts say, and violate no invariant."""
        assert await self.lines() == expected_lines(self.catalog, events)
        assert await self.waits() == expected_waits(self.catalog, events)
        report = await self.audit()
        assert report.violated == []
        assert report.ledger == report.tables == fingerprint.of_model(self.catalog, fold_events(self.catalog, events))

    async def rows(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Returns the current rows of entities and links, without revisions and times.

        Nor do they have what depends on arrival: positions, the last parts of order keys, and names of lives.
        """
        entities = await self.pool.fetch(
            "select kind, key, state, sequence, data, latest, created, ended, older, refs from entities"
            " where tenant = $1 and to_revision = 9223372036854775807 order by kind, key",
            self.name,
        )
        links = await self.pool.fetch(
            "select relationship, child, parent, stated_child, stated_parent, rank, of_former_incarnation from links"
            " where tenant = $1 and to_revision = 9223372036854775807 order by relationship, child",
            self.name,
        )
        return [_without_arrival(dict(row)) for row in entities], [_without_arrival(dict(row)) for row in links]

    async def incarnations(self) -> dict[tuple[str, str], str]:
        """Returns (kind, key) → the name of the present life of each entity."""
        rows = await self.pool.fetch(
            "select kind, key, incarnation from entities where tenant = $1 and to_revision = 9223372036854775807",
            self.name,
        )
        return {(row["kind"], row["key"]): row["incarnation"] for row in rows}


_ARRIVAL = 8
"""Bytes of a position, with which an order key ends."""


def _without_arrival(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("latest", "created", "ended"):
        if row.get(name):
            row[name] = row[name][:-_ARRIVAL]
    if row.get("older"):
        row["older"] = {name: order[: -2 * _ARRIVAL] for name, order in row["older"].items()}
    if row.get("refs"):
        row["refs"] = {name: [order[: -2 * _ARRIVAL], *rest] for name, (order, *rest) in row["refs"].items()}
    return row
