"""Many deliveries of a few facts of teams and events, and what holds at every revision on their way."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, NamedTuple

from model.state import ModelState
from store.audit import fingerprint
from store.audit.fingerprint import Fingerprint
from tests.support.events import Event
from tests.support.model_facts import say
from tests.support.tenants import CATALOG, Tether, folded, waiting

AT_ONCE = 6
"""Tenants who tell at the same time."""

CREATED = say("TeamCreated", "t", 1, name="Otters", event_id="A")
MOVED = say("TeamMoved", "t", 2, event_id="B")
DELETED = say("TeamDeleted", "t", 3)
A_DELETED = say("EventDeleted", "A", 2)
B_CREATED = say("EventCreated", "B", 1, name="Spring cup")
MOVE_AND_ENDS = (CREATED, MOVED, A_DELETED, B_CREATED, DELETED)
"""A team moves out of an event that is called off, and is dissolved."""

Batches = Sequence[Sequence[Event]]
Rows = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def orders(told: Sequence[Event], twice: Event | None = None) -> list[tuple[Event, ...]]:
    """Every distinct order of these facts, one of them twice if it is named: n!, or (n + 1)!/2."""
    by_id = {event["id"]: event for event in told}
    ids = sorted(by_id) if twice is None else sorted([*by_id, twice["id"]])
    return [tuple(by_id[id] for id in order) for order in sorted(set(permutations(ids)))]


@dataclass(frozen=True)
class Step:
    """After a batch: the newest revision, which facts were told by then, and what was waiting."""

    revision: int
    told: frozenset[str]
    waits: Counter[tuple[str, ...]]


class Span(NamedTuple):
    """A version of a team's link: valid from ``begins`` up to, but without, ``ends``."""

    team: str
    event: str
    begins: int
    ends: int


@dataclass
class Telling:
    """One delivery to a tenant of its own, and all that the tables hold of it afterwards."""

    tenant: str
    batches: Batches
    steps: list[Step]
    accepted: int
    duplicates: int
    hashes: Fingerprint
    rows: Rows
    spans: list[Span] = field(default_factory=list)
    lives: list[tuple[tuple[str, str], str, int, int]] = field(default_factory=list)
    """((kind, key), state, begins, ends) of every version of an entity."""

    def words(self) -> str:
        """The delivery, for whoever has to find out why it failed."""
        return " / ".join(" ".join(event["id"] for event in batch) for batch in self.batches)


async def tell_all(tether: Tether, deliveries: Sequence[Batches]) -> list[Telling]:
    """Each to a tenant of its own, a few tenants at a time."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def in_turn(batches: Batches) -> Telling:
        async with turn:
            return await _tell(tether.other(), batches)

    tellings = await asyncio.gather(*map(in_turn, deliveries))
    by_tenant = {telling.tenant: telling for telling in tellings}
    assert len(by_tenant) == len(deliveries)
    links = await tether.pool.fetch(
        "select tenant, child, parent, from_revision, to_revision from links"
        " where tenant = any($1) and relationship = 'event_team'",
        list(by_tenant),
    )
    for tenant, *span in links:
        by_tenant[tenant].spans.append(Span(*span))
    entities = await tether.pool.fetch(
        "select tenant, kind, key, state, from_revision, to_revision from entities where tenant = any($1)",
        list(by_tenant),
    )
    for tenant, kind, key, state, begins, ends in entities:
        by_tenant[tenant].lives.append(((kind, key), state, begins, ends))
    return tellings


async def _tell(one: Tether, batches: Batches) -> Telling:
    steps, told, accepted, duplicates = [Step(0, frozenset(), Counter())], frozenset[str](), 0, 0
    for batch in batches:
        answer = await one.tell(*batch)
        told |= {event["id"] for event in batch}
        accepted, duplicates = accepted + answer.accepted, duplicates + answer.duplicates
        steps.append(Step(answer.revision, told, await one.waits()))
    async with one.pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        hashes = await fingerprint.of_tables(conn, one.catalog, one.tenant, steps[-1].revision)
    return Telling(one.tenant, batches, steps, accepted, duplicates, hashes, await one.rows())


def all_end_the_same(tellings: Sequence[Telling]) -> None:
    """In what the model says of the same delivery, in the same rows, and waiting for the same."""
    for telling in tellings:
        delivered = [event for batch in telling.batches for event in batch]
        distinct = len({event["id"] for event in delivered})
        assert (telling.accepted, telling.duplicates) == (distinct, len(delivered) - distinct), telling.words()
        assert telling.hashes == fingerprint.of_model(CATALOG, folded(CATALOG, delivered)), telling.words()
        assert telling.steps[-1].waits == waiting(CATALOG, delivered), telling.words()
        assert telling.rows == tellings[0].rows, telling.words()


def each_revision_is_sound(tellings: Sequence[Telling], facts: Sequence[Event]) -> None:
    """A team is never in two events, and never in none while its facts name one: a move is one revision. All else
    is what the model says of the facts that were told by then."""
    known: dict[frozenset[str], tuple[dict[str, str], ModelState, Counter[tuple[str, ...]]]] = {}
    for telling in tellings:
        named_at: dict[int, dict[str, str]] = {}
        for step in telling.steps:
            if step.told not in known:
                told = [event for event in facts if event["id"] in step.told]
                known[step.told] = (named(told), folded(CATALOG, told), waiting(CATALOG, told))
            names, state, waits = known[step.told]
            named_at[step.revision] = names
            inside = [(span.team, span.event) for span in telling.spans if span.begins <= step.revision < span.ends]
            where = f"{telling.words()}, as of revision {step.revision}"
            assert len(inside) == len({team for team, _ in inside}), f"in two events at once: {where}"
            assert dict(inside) == names, where
            assert step.waits == waits, where
            assert dict(inside) == {team: link.parent for (_, team), link in state.links.items()}, where
            lives = [(at, life) for at, life, begins, ends in telling.lives if begins <= step.revision < ends]
            assert sorted(lives) == sorted((at, what.state) for at, what in state.entities.items()), where
        for span in telling.spans:
            if span.team in named_at.get(span.ends, {}):
                assert [s.event for s in telling.spans if s.team == span.team and s.begins == span.ends] == [
                    named_at[span.ends][span.team]
                ], f"closed at {span.ends} and not opened there: {telling.words()}"


def named(told: Sequence[Event]) -> dict[str, str]:
    """team → the event in which its own facts say it is, worked out plainly; the dead and the withdrawn left out."""
    found: dict[str, str | None] = {}
    ended = set()
    for event in sorted(told, key=lambda e: int(e["sequence"])):
        team, type = event["subject"], event["type"]
        if type == "TeamDeleted.v1":
            found.pop(team, None)
            ended.add(team)
        elif type in ("TeamCreated.v1", "TeamMoved.v1", "TeamRenamed.v1"):
            ended -= {team} if type == "TeamCreated.v1" else set()
            found[team] = event["data"].get("event_id", found.get(team))
    return {team: at for team, at in found.items() if at is not None and team not in ended}
