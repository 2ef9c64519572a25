"""Folds a set of facts into the state. Repetition and batches cannot matter, since the input is a set.

Nor does the order of the input: where arrival decides between facts, each says itself when it arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import Relationship
from catalog.vocabulary import Effect
from errors import Conflict
from model.facts import VOIDED, FactId, ModelFact
from model.order import Stated, encoded, without_arrival
from model.references import parent_of
from model.restarts import numbered
from model.state import PLACEHOLDER, EntityKey, EntityState, LinkKey, LinkState, ModelEntity, ModelLink, ModelState


class _History(NamedTuple):
    """The facts of one entity, in their order, and those that decide its state."""

    published: list[ModelFact]
    """All facts of its owner; empty: only links refer to it."""
    current: list[ModelFact]
    """The facts after the newest deletion, explicit links included."""
    deleted: ModelFact | None
    """The newest deletion."""
    created: ModelFact | None
    """The newest creation after the newest deletion."""

    @property
    def state(self) -> EntityState:
        if not self.published:
            return "unknown"
        # A change alone makes an entity live: its creation happened before Tether knew its owner.
        return "live" if self.deleted is None or self.created is not None else "deleted"

    @property
    def rank(self) -> tuple[bool, Stated | tuple[()]]:
        """Sorts the children of one parent: by their creation, those without one last."""
        return (True, ()) if self.created is None else (False, without_arrival(self.created.order))


def fold(catalog: Catalog, facts: Iterable[ModelFact]) -> ModelState:
    """Returns the state of one tenant from all its accepted facts, in any order, each any number of times.

    Raises Conflict if two different facts have the same source and id.
    """
    histories = {entity: _history(of_one) for entity, of_one in _by_entity(catalog, facts).items()}
    links: dict[LinkKey, ModelLink] = {}
    for relationship in catalog.relationships.values():
        links.update(_links(relationship, histories))
    entities = {entity: _entity(history) for entity, history in histories.items() if history.published}
    for (relationship_name, _), link in links.items():
        parent = (catalog.relationships[relationship_name].parent, link.parent)
        if parent not in entities:
            entities[parent] = PLACEHOLDER
    return ModelState(entities, links)


def _by_entity(catalog: Catalog, facts: Iterable[ModelFact]) -> dict[EntityKey, list[ModelFact]]:
    """Returns (kind, key) → the set of its facts, in their order. Raises Conflict."""
    known: dict[FactId, ModelFact] = {}
    for fact in facts:
        first = known.setdefault(fact.identity, fact)
        if first is fact:
            continue
        if _meaning(first) != _meaning(fact):
            raise Conflict(
                f"two different facts have the id {fact.id!r} and the source {fact.source!r}; fold accepted facts only"
            )
        if fact.arrival < first.arrival:
            known[fact.identity] = fact
    found: dict[EntityKey, list[ModelFact]] = {}
    activity = catalog.contracts.activity
    voided = {FactId(f.data["source"], f.data["id"]) for f in known.values() if f.type == VOIDED}
    for fact in known.values():
        if fact.identity not in voided and fact.type != VOIDED and fact.type not in activity:
            found.setdefault((fact.kind, fact.key), []).append(fact)
    for (kind, key), of_one in found.items():
        if kind in catalog.restarting:
            found[kind, key] = of_one = numbered(of_one)
        if len(of_one) > 1:
            of_one.sort(key=lambda fact: fact.order)
    return found


def _meaning(fact: ModelFact) -> ModelFact:
    """Returns what two deliveries of one fact have in common: a sender may state another time at each attempt."""
    return fact._replace(time=None, arrival=0)


def _history(facts: list[ModelFact]) -> _History:
    published = [fact for fact in facts if fact.source != OWN_SOURCE]
    deleted = _last(published, Effect.DELETED)
    current = facts if deleted is None else facts[facts.index(deleted) + 1 :]
    return _History(published, current, deleted, _last(current, Effect.CREATED))


def _last(facts: list[ModelFact], effect: Effect) -> ModelFact | None:
    return next((fact for fact in reversed(facts) if fact.effect is effect), None)


def _entity(history: _History) -> ModelEntity:
    latest = history.published[-1]
    return ModelEntity(
        state=history.state,
        data=_fields(history) if history.state == "live" else {},
        latest=latest.identity,
        sequence=latest.sequence,
        ended=None if history.deleted is None else history.deleted.identity,
    )


def _fields(history: _History) -> dict[str, object]:
    """Returns field → its newest value."""
    fields: dict[str, object] = {}
    for fact in history.current:
        if fact.effect is not None:
            fields.update(fact.data)
    return fields


def _links(relationship: Relationship, histories: dict[EntityKey, _History]) -> Iterator[tuple[LinkKey, ModelLink]]:
    """Yields ((relationship, child), link) of every live child that refers to a parent."""
    parents: dict[str, str] = {}
    former: set[str] = set()
    for (kind, child), history in histories.items():
        if kind == relationship.child and history.state == "live":
            named = parent_of(relationship, history.current)
            if named is not None:
                parents[child] = named.key
                if _ended_since(named.created, histories.get((relationship.parent, named.key))):
                    former.add(child)
    present = {child: parent for child, parent in parents.items() if child not in former}
    first = _first_children(relationship, present, histories) if relationship.exclusive else None
    for child, parent in parents.items():
        of_parent = histories.get((relationship.parent, parent))
        state = _link_state("unknown" if of_parent is None else of_parent.state)
        if state == "linked" and child in former:
            state = "broken"
        elif state == "linked" and first is not None and first[parent] != child:
            state = "conflict"
        yield (relationship.name, child), ModelLink(parent, state)


def _ended_since(created: bytes | None, parent: _History | None) -> bool:
    """Returns whether the newest deletion of a parent came after the creation at this position, if it is given."""
    if created is None or parent is None or parent.deleted is None:
        return False
    return encoded(parent.deleted.order) > created


def _link_state(parent: EntityState) -> LinkState:
    if parent == "unknown":
        return "waiting"
    return "linked" if parent == "live" else "broken"


def _first_children(
    relationship: Relationship, parents: dict[str, str], histories: dict[EntityKey, _History]
) -> dict[str, str]:
    """Returns parent → the child that holds it: the one created first, of several the one with the smallest key."""
    first: dict[str, str] = {}
    for child in sorted(parents, key=lambda c: (histories[relationship.child, c].rank, c.encode())):
        first.setdefault(parents[child], child)
    return first
