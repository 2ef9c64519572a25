"""Records many deliveries of a few facts of teams and events, and checks what holds at every revision of each."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, NamedTuple

from model.state import ModelState
from store.audit import fingerprint
from store.audit.fingerprint import Fingerprint
from tests.support.events import Event, event
from tests.support.tenants import CATALOG, StoreTenant, Waits, expected_waits, fold_events

AT_ONCE = 6
"""Tenants that record at the same time."""

CREATED = event("TeamCreated", "t", 1, name="Otters", event_id="A")
MOVED = event("TeamMoved", "t", 2, event_id="B")
DELETED = event("TeamDeleted", "t", 3)
A_DELETED = event("EventDeleted", "A", 2)
B_CREATED = event("EventCreated", "B", 1, name="Spring cup")
MOVE_AND_DELETIONS = (CREATED, MOVED, A_DELETED, B_CREATED, DELETED)
"""A team moves out of an event, the event is deleted, and so is the team."""

Batches = Sequence[Sequence[Event]]
Rows = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def orders(facts: Sequence[Event], twice: Event | None = None) -> list[tuple[Event, ...]]:
    """Returns every distinct order of these facts, ``twice`` included twice if given: n!, or (n + 1)!/2."""
    by_id = {event["id"]: event for event in facts}
    ids = sorted(by_id) if twice is None else sorted([*by_id, twice["id"]])
    return [tuple(by_id[id] for id in order) for order in sorted(set(permutations(ids)))]


@dataclass(frozen=True)
class Step:
    """The state after a batch: the newest revision, the ids of the facts recorded by then, and the waits."""

    revision: int
    recorded: frozenset[str]
    waits: Waits


class Span(NamedTuple):
    """A version of a team's link: valid from revision ``begins`` to before ``ends``."""

    team: str
    event: str
    begins: int
    ends: int


@dataclass
class RecordedDelivery:
    """One delivery to a tenant of its own, and what the tables hold of it afterwards."""

    tenant: str
    batches: Batches
    steps: list[Step]
    accepted: int
    duplicates: int
    hashes: Fingerprint
    rows: Rows
    spans: list[Span] = field(default_factory=list)
    entities: list[tuple[tuple[str, str], str, int, int]] = field(default_factory=list)
    """((kind, key), state, begins, ends) of every version of an entity."""

    def describe(self) -> str:
        """Returns the batches of the delivery in one line, for messages of failed assertions."""
        return " / ".join(" ".join(event["id"] for event in batch) for batch in self.batches)


async def record_all(tenant: StoreTenant, deliveries: Sequence[Batches]) -> list[RecordedDelivery]:
    """Records each delivery for a tenant of its own, a few tenants at a time."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def record_one(batches: Batches) -> RecordedDelivery:
        async with slots:
            return await _record(tenant.other_tenant(), batches)

    recorded = await asyncio.gather(*map(record_one, deliveries))
    by_tenant = {delivery.tenant: delivery for delivery in recorded}
    assert len(by_tenant) == len(deliveries)
    links = await tenant.pool.fetch(
        "select tenant, child, parent, from_revision, to_revision from links"
        " where tenant = any($1) and relationship = 'event_team'",
        list(by_tenant),
    )
    for name, *span in links:
        by_tenant[name].spans.append(Span(*span))
    entities = await tenant.pool.fetch(
        "select tenant, kind, key, state, from_revision, to_revision from entities where tenant = any($1)",
        list(by_tenant),
    )
    for name, kind, key, state, begins, ends in entities:
        by_tenant[name].entities.append(((kind, key), state, begins, ends))
    return recorded


async def _record(tenant: StoreTenant, batches: Batches) -> RecordedDelivery:
    steps, recorded, accepted, duplicates = [Step(0, frozenset(), Counter())], frozenset[str](), 0, 0
    for batch in batches:
        answer = await tenant.record(*batch)
        recorded |= {event["id"] for event in batch}
        accepted, duplicates = accepted + answer.accepted, duplicates + answer.duplicates
        steps.append(Step(answer.revision, recorded, await tenant.waits()))
    async with tenant.pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        hashes = await fingerprint.of_tables(conn, tenant.catalog, tenant.name, steps[-1].revision)
    return RecordedDelivery(tenant.name, batches, steps, accepted, duplicates, hashes, await tenant.rows())


def assert_all_end_the_same(deliveries: Sequence[RecordedDelivery]) -> None:
    """Asserts that each ends in the model's state of the same facts, in the same rows, and with the same waits."""
    for delivery in deliveries:
        events = [event for batch in delivery.batches for event in batch]
        distinct = len({event["id"] for event in events})
        where = delivery.describe()
        assert (delivery.accepted, delivery.duplicates) == (distinct, len(events) - distinct), where
        assert delivery.hashes == fingerprint.of_model(CATALOG, fold_events(CATALOG, events)), where
        assert delivery.steps[-1].waits == expected_waits(CATALOG, events), where
        assert delivery.rows == deliveries[0].rows, where


def assert_each_revision_is_sound(deliveries: Sequence[RecordedDelivery], facts: Sequence[Event]) -> None:
    """Asserts, for every revision, that a team is in one event at most, and in none only if its facts name none.

    A move is one revision. Everything else is what the model says of the facts that were recorded by then.
    """
    known: dict[frozenset[str], tuple[dict[str, str], ModelState, Waits]] = {}
    for delivery in deliveries:
        named_at: dict[int, dict[str, str]] = {}
        for step in delivery.steps:
            if step.recorded not in known:
                events = [event for event in facts if event["id"] in step.recorded]
                known[step.recorded] = (
                    named_events(events),
                    fold_events(CATALOG, events),
                    expected_waits(CATALOG, events),
                )
            names, state, waits = known[step.recorded]
            named_at[step.revision] = names
            inside = [(span.team, span.event) for span in delivery.spans if span.begins <= step.revision < span.ends]
            where = f"{delivery.describe()}, as of revision {step.revision}"
            assert len(inside) == len({team for team, _ in inside}), f"in two events at once: {where}"
            assert dict(inside) == names, where
            assert step.waits == waits, where
            assert dict(inside) == {team: link.parent for (_, team), link in state.links.items()}, where
            entities = [
                (entity, name) for entity, name, begins, ends in delivery.entities if begins <= step.revision < ends
            ]
            assert sorted(entities) == sorted((entity, it.state) for entity, it in state.entities.items()), where
        for span in delivery.spans:
            if span.team in named_at.get(span.ends, {}):
                assert [s.event for s in delivery.spans if s.team == span.team and s.begins == span.ends] == [
                    named_at[span.ends][span.team]
                ], f"closed at {span.ends} and not opened there: {delivery.describe()}"


def named_events(facts: Sequence[Event]) -> dict[str, str]:
    """Returns team → the event that its own facts name, computed plainly, without deleted and withdrawn teams."""
    found: dict[str, str | None] = {}
    deleted = set()
    for fact in sorted(facts, key=lambda e: int(e["sequence"])):
        team, type = fact["subject"], fact["type"]
        if type == "TeamDeleted.v1":
            found.pop(team, None)
            deleted.add(team)
        elif type in ("TeamCreated.v1", "TeamMoved.v1", "TeamRenamed.v1"):
            deleted -= {team} if type == "TeamCreated.v1" else set()
            found[team] = fact["data"].get("event_id", found.get(team))
    return {team: at for team, at in found.items() if at is not None and team not in deleted}
