"""Finds the facts that decide a link, and those that arrived later, are older, and would have decided otherwise."""

from collections.abc import Container, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from catalog.vocabulary import Effect
from facts.correlation import decode
from facts.envelope import in_utc
from facts.order_key import position
from facts.reading import read_as
from store.db.snapshot import Snapshot
from store.db.sql import fetch_row, fetch_rows
from store.write.arrivals import FactKey
from store.write.entity_state import FoldedEntity, FoldedReference
from store.write.ledger import effect_of

STALE = 5
"""Stale facts that an explanation has at most: the last to arrive."""
CANDIDATES = 100
"""Older facts of one entity that are looked at: the last to arrive."""


class DecidingFact(NamedTuple):
    """A row of ``fact_by_order``. ``time``: when it happened; when it was received, if the fact does not say."""

    source: str
    id: str
    type: str
    sequence: str | None
    time: datetime
    revision: int
    data: dict[str, Any]
    correlation: str | None


class OlderFact(NamedTuple):
    """A row of ``older_facts``. ``time``: as of `DecidingFact`. ``has_value``: whether it has the field that names the
    parent, or what that is within; ``value``: the parent that it names; ``data``: of an older version, before it is
    read."""

    source: str
    id: str
    type: str
    key: str
    sequence: str | None
    time: datetime
    position: int
    revision: int
    order_key: bytes
    correlation: str | None
    has_value: bool
    value: Any
    data: dict[str, Any] | None


class StaleFact(NamedTuple):
    """A fact that arrived after a deciding one and is older, and so changed nothing."""

    older: OlderFact
    newer: DecidingFact


async def find_fact(at: Snapshot, kind: str, key: str, order: bytes) -> DecidingFact | None:
    """Returns the fact of an entity with this order key; None: the order key is empty."""
    if not order:
        return None
    fact = await fetch_row(
        at.conn, DecidingFact, "fact_by_order", tenant=at.tenant, kind=kind, key=key, order_key=order
    )
    return None if fact is None else fact._replace(time=in_utc(fact.time))


def naming_order(child: FoldedEntity, relationship: Relationship) -> bytes:
    """Returns the order key of the fact that names the parent, or that deleted the child; empty: there is none."""
    if child.state == "deleted":
        return child.ended
    order, field = child.refs.get(relationship.name, FoldedReference()).order, relationship.root
    if field is not None and field in child.data:
        order = max(order, child.older.get(field, child.latest))
    return order


async def find_stale(
    at: Snapshot, catalog: Catalog, relationship: Relationship, child: FoldedEntity, parent: FoldedEntity | None
) -> list[StaleFact]:
    """Returns the last few stale facts of the two entities that would have decided their link otherwise, if they had
    been the newest: they name another parent, delete what is live, or create what is deleted. The last arrival first.

    ``parent``: the present parent of the child; None: there is none, or its state does not decide the link. A fact that
    arrived before the deciding one is not among them: it had its effect until then.
    """
    decided = naming_order(child, relationship)
    effects = {Effect.CREATED} if child.state == "deleted" else set(Effect)
    found_rows = await _older(at, catalog, child, decided, effects, relationship)
    rows = [_as_read(catalog, relationship, row) for row in found_rows]
    others = [row for row in rows if _concerns(row, _effect(catalog, row), relationship, child)]
    found = await _stale(at, child, decided, others)
    if parent is not None:
        deleted = parent.state == "deleted"
        decided, effect = (parent.ended, Effect.CREATED) if deleted else (parent.created, Effect.DELETED)
        found |= await _stale(at, parent, decided, await _older(at, catalog, parent, decided, {effect}, None))
    return sorted(found.values(), key=attrgetter("older.position"), reverse=True)[:STALE]


async def _older(
    at: Snapshot,
    catalog: Catalog,
    entity: FoldedEntity,
    decided: bytes,
    effects: Container[Effect],
    relationship: Relationship | None,
) -> list[OlderFact]:
    """Returns facts of an entity that arrived after one of its facts and are older, the last arrival first.

    ``decided``: the order key of that fact; empty: none. ``effects``: what the older ones do; ``relationship``: whose
    field each has.
    """
    contracts = catalog.contracts.by_type.items()
    types = [type for type, c in contracts if c.kind == entity.kind and c.effect in effects] if decided else []
    if not types:
        return []
    return await fetch_rows(
        at.conn,
        OlderFact,
        "older_facts",
        tenant=at.tenant,
        kind=entity.kind,
        key=entity.key,
        types=types,
        order_key=decided,
        position=position(decided),
        path=[] if relationship is None else list(relationship.path),
        unread=[type for type in types if type in catalog.contracts.readings],
        size=CANDIDATES,
    )


async def _stale(
    at: Snapshot, entity: FoldedEntity, decided: bytes, rows: Sequence[OlderFact]
) -> dict[FactKey, StaleFact]:
    """Returns the last few of these facts with the fact that they are older than, by source and id."""
    newer = await find_fact(at, entity.kind, entity.key, decided) if rows else None
    if newer is None:
        return {}
    return {(row.source, row.id): StaleFact(row._replace(time=in_utc(row.time)), newer) for row in rows[:STALE]}


def _as_read(catalog: Catalog, relationship: Relationship, row: OlderFact) -> OlderFact:
    """The fact with the parent that it names, as its version is read."""
    if row.data is None or relationship.root is None:
        return row._replace(value=relationship.parent_key(row.value))
    data = read_as(catalog.contracts, row.type, row.data)
    value = relationship.value_in(data) if relationship.root in data else None
    return row._replace(has_value=relationship.root in data, value=relationship.parent_key(value))


def _effect(catalog: Catalog, row: OlderFact) -> Effect | None:
    return effect_of(catalog, row.source, row.type)


def _concerns(row: OlderFact, effect: Effect | None, relationship: Relationship, child: FoldedEntity) -> bool:
    """Whether a fact that is older than what decides the child's parent would have decided otherwise and had no effect.

    A creation or deletion may have had one, by the life that it begins or ends, unless a newer creation was known.
    """
    if child.state == "deleted":
        return True
    parent = child.parent(relationship)
    known = row.order_key < child.created and position(child.created) < row.position
    if effect is Effect.DELETED:
        return known and parent is not None
    if effect is Effect.CREATED and child.ended and row.order_key > child.ended and not known:
        return False
    requested = decode(row.correlation) if effect is Effect.CREATED and relationship.requested is not None else None
    if requested is not None and requested.relationship == relationship.name:
        return requested.parent != parent
    return row.has_value and row.value != parent
