"""Folds entities from all of their facts, where joining new ones to what is stored is not enough.

That is so for two kinds of facts: a fact of Tether's own that voids another one, and facts of owners whose sequences
begin again when a deleted key is used again. What they change depends on the whole set of facts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from errors import Unavailable
from facts.envelope import Entry
from facts.order_key import after_restarts, position, sequence_order, without_restarts
from facts.own_facts import VOIDED
from store.db.pool import Connection
from store.db.sql import execute
from store.write import sealed
from store.write.arrivals import FactKey
from store.write.diff import EntityKey
from store.write.entity_state import FoldedEntity
from store.write.ledger import facts_of_entities
from store.write.tenant_lock import LockedTenant

_NAME, _KIND = attrgetter("name"), attrgetter("kind")


class Renumbered(NamedTuple):
    """A fact in the ledger about the entity (kind, key) that has another order key now."""

    kind: str
    key: str
    old: bytes
    new: bytes


@dataclass(slots=True)
class Histories:
    """Entities to be folded from all of their facts. ``facts``: those in the ledger that count, with their order keys.

    ``fresh``: the new facts, with theirs; ``renumbered``: facts in the ledger that have another order key now;
    ``void``: (kind, key, order key) of those that do not count, where a new fact voids one.
    """

    fresh: Sequence[Entry]
    facts: dict[EntityKey, list[Entry]] = field(default_factory=dict)
    renumbered: dict[FactKey, Renumbered] = field(default_factory=dict)
    void: list[tuple[str, str, bytes]] = field(default_factory=list)


def check_declared(catalog: Catalog, locked: LockedTenant) -> None:
    """Raises Unavailable if this process declares restarts, or reads facts, otherwise than the tables were folded: what
    it would write is not what follows from the facts."""
    if locked.meanings != catalog.meaning_lines:
        check_read(catalog, locked.meanings)
    redeclared = catalog.redeclared(locked.restarting)
    if redeclared:
        raise Unavailable(
            f"on_sequence_restart of {', '.join(sorted(redeclared))} is declared otherwise in this process than when"
            " the tables were folded, and would give facts another order. Run `tether migrate` if this release is the"
            " newer one, else end this process: it is of a release that was replaced",
            retry_after=5.0,
        )


def check_read(catalog: Catalog, stored: Sequence[str]) -> None:
    """Raises Unavailable if this process reads facts otherwise than the tables were folded. ``stored``: by what they
    were, as `Catalog.meaning_lines`."""
    if changed := catalog.reread(dict(line.split("\n") for line in stored)):
        raise Unavailable(
            f"facts are read otherwise by this process than when the tables were folded ({', '.join(sorted(changed))})."
            " Run `tether migrate` if this release is the newer one, else end this process: it is of a release that was"
            " replaced",
            retry_after=5.0,
        )


async def find(
    conn: Connection, catalog: Catalog, tenant: str, stored: dict[EntityKey, FoldedEntity], fresh: Sequence[Entry]
) -> Histories:
    """Finds the entities that have to be folded from all of their facts, and reads those.

    ``stored``: the current entities that the new facts concern; ``fresh``: the new facts, with their positions. Raises
    Unacceptable if one of them voids a sealed fact.
    """
    found = Histories(fresh)
    restarting = catalog.restarting
    if VOIDED not in map(_NAME, fresh) and restarting.isdisjoint(map(_KIND, fresh)):  # so it is for most batches
        return found
    await sealed.check(conn, tenant, [(e.data["source"], e.data["id"]) for e in fresh if e.name == VOIDED])
    wanted = {
        (e.kind, e.key)
        for e in fresh
        if e.name == VOIDED or (e.kind in restarting and _may_restart(e, stored.get((e.kind, e.key))))
    }
    if not wanted:
        return found
    recorded = await facts_of_entities(conn, catalog, tenant, wanted)
    orders: dict[FactKey, bytes] = {}
    for at, ledger in recorded.items():
        new = [e for e in fresh if (e.kind, e.key) == at]
        facts = counting((*ledger, *new))
        orders |= {(e.source, e.id): order for e, order in zip(facts, order_keys(restarting, facts), strict=True)}
        if any(e.name == VOIDED for e in new):
            found.void += [(*at, e.order) for e in ledger if (e.source, e.id) not in orders]
        found.facts[at] = [e._replace(order=orders[e.source, e.id]) for e in ledger if (e.source, e.id) in orders]
        found.renumbered |= {
            (e.source, e.id): Renumbered(e.kind, e.key, e.order, orders[e.source, e.id])
            for e in ledger
            if orders.get((e.source, e.id), e.order) != e.order
        }
    found.fresh = [e._replace(order=orders.get((e.source, e.id), e.order)) for e in fresh]
    return found


async def renumber(conn: Connection, tenant: str, renumbered: Mapping[FactKey, Renumbered]) -> None:
    """Stores the new order keys of facts that are in the ledger."""
    if renumbered:
        await execute(
            conn,
            "reorder_facts",
            tenant=tenant,
            sources=[source for source, _ in renumbered],
            ids=[id for _, id in renumbered],
            new=[fact.new for fact in renumbered.values()],
        )


async def renumber_operations(
    conn: Connection, catalog: Catalog, tenant: str, renumbered: Collection[Renumbered]
) -> None:
    """Gives operations, and their children that were requested, the new order keys of the facts that they remember.

    Otherwise an older deletion would seem to have come after the request, and a child would be requested again.
    """
    if not renumbered:
        return
    as_child = [(fact, r.name) for fact in renumbered for r in catalog.by_child.get(fact.kind, ())]
    subjects = [(fact, workflow, about) for fact in renumbered for workflow, about in _subjects(catalog, fact.kind)]
    await execute(
        conn,
        "renumber_operations_of_facts",
        tenant=tenant,
        workflows=[workflow for _, workflow, _ in subjects],
        abouts=[about for _, _, about in subjects],
        keys=[fact.key for fact, _, _ in subjects],
        old=[fact.old for fact, _, _ in subjects],
        new=[fact.new for fact, _, _ in subjects],
    )
    await execute(
        conn,
        "renumber_children_of_facts",
        tenant=tenant,
        relationships=[name for _, name in as_child],
        children=[fact.key for fact, _ in as_child],
        old=[fact.old for fact, _ in as_child],
        new=[fact.new for fact, _ in as_child],
    )


async def forget_void(
    conn: Connection, catalog: Catalog, tenant: str, void: Collection[tuple[str, str, bytes]]
) -> None:
    """Lets operations that remember a void fact as the newest one at their request remember the newest of the others.

    Otherwise a deletion that comes before the void fact in the order, and after the request, would not be seen: the
    next life of the entity would be requested to be deleted or moved. ``void``: see Histories; the facts that void them
    are in the ledger already.
    """
    if not void:
        return
    subjects = [(*of, *fact) for fact in void for of in _subjects(catalog, fact[0])]
    await execute(
        conn,
        "forget_void_facts",
        tenant=tenant,
        workflows=[workflow for workflow, *_ in subjects],
        abouts=[about for _, about, *_ in subjects],
        kinds=[kind for _, _, kind, *_ in subjects],
        keys=[key for *_, key, _ in subjects],
        void=[order for *_, order in subjects],
    )


def _subjects(catalog: Catalog, kind: str) -> list[tuple[str, str]]:
    """(workflow, about) of the operations that may remember a fact about an entity of a kind."""
    return [("cascade", kind), *(("move", r.name) for r in catalog.by_child.get(kind, ()))]


def _may_restart(entry: Entry, entity: FoldedEntity | None) -> bool:
    if entry.effect is None and not entry.names and not entry.elements:
        return False
    return entry.effect is Effect.DELETED or (entity is not None and bool(entity.ended))


def counting(facts: Sequence[Entry]) -> list[Entry]:
    """Those of all facts about one entity that decide its state: none that another one of them voids."""
    voided = {(e.data["source"], e.data["id"]) for e in facts if e.name == VOIDED}
    return [e for e in facts if (e.effect is not None or e.names or e.elements) and (e.source, e.id) not in voided]


def order_keys(restarting: Collection[str], facts: Sequence[Entry]) -> list[bytes]:
    """The order keys of all facts about one entity. They begin with the number of restarts before each, if the kind is
    one of ``restarting``."""
    plain = [e._replace(order=without_restarts(e.order)) for e in facts]
    restarts = _restarts(plain) if facts and facts[0].kind in restarting else []
    return [after_restarts(e.order, _before(e, restarts)) for e in plain]


def _restarts(facts: Iterable[Entry]) -> list[tuple[int, int]]:
    """(time, position) of each creation that begins the sequence of its entity again.

    Its sequence is not after that of a deletion, and its time is.
    """
    numbered = [(sequence_order(e.sequence), e.time, e) for e in facts if e.sequence is not None and e.time is not None]
    deletions = [(sequence, time) for sequence, time, e in numbered if e.effect is Effect.DELETED]
    return [
        (time, position(e.order))
        for sequence, time, e in numbered
        if e.effect is Effect.CREATED and any(s >= sequence and t < time for s, t in deletions)
    ]


def _before(entry: Entry, restarts: Sequence[tuple[int, int]]) -> int:
    """How many restarts a fact comes after: by its time; without one, by its arrival."""
    if entry.time is not None:
        return len({time for time, _ in restarts if time <= entry.time})
    arrival = position(entry.order)
    return len({time for time, arrived in restarts if arrived <= arrival})
