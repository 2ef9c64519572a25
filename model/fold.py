"""The fold: a set of facts in, the state out. Order, repeats and batches cannot matter, as it takes a set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import Relationship
from catalog.vocabulary import Effect
from errors import Conflict
from model.facts import FactId, ModelFact
from model.order import Order
from model.references import parent_of
from model.state import PLACEHOLDER, Bond, EntityKey, EntityState, Life, LinkKey, LinkState, State


class _Story(NamedTuple):
    """What the facts of one entity come to. Each is in its order."""

    told: list[ModelFact]
    """All that the owner told; empty: never heard of."""
    counting: list[ModelFact]
    """What came after the last end, explicit links included."""
    ended: ModelFact | None
    created: ModelFact | None
    """The newest creation after the last end."""

    @property
    def state(self) -> Life:
        if not self.told:
            return "unknown"
        # A change alone makes an entity live: it was evidently there before us.
        return "live" if self.ended is None or self.created is not None else "deleted"

    @property
    def rank(self) -> tuple[bool, Order | tuple[()]]:
        """Its place among the claimants of one parent: by creation, and last if that was never heard of."""
        return (True, ()) if self.created is None else (False, self.created.order)


def fold(catalog: Catalog, facts: Iterable[ModelFact]) -> State:
    """The state of one tenant, from all its accepted facts in any order, each any number of times.

    Raises Conflict if two different facts have the same source and id: that is no set.
    """
    stories = {entity: _story(history) for entity, history in _histories(facts).items()}
    links: dict[LinkKey, LinkState] = {}
    for relationship in catalog.relationships.values():
        links.update(_links(relationship, stories))
    entities = {entity: _entity(story) for entity, story in stories.items() if story.told}
    for (relationship_name, _), link in links.items():
        parent = (catalog.relationships[relationship_name].parent, link.parent)
        if parent not in entities:
            entities[parent] = PLACEHOLDER
    return State(entities, links)


def _histories(facts: Iterable[ModelFact]) -> dict[EntityKey, list[ModelFact]]:
    """The set of facts, by entity, each entity's in their order."""
    known: dict[FactId, ModelFact] = {}
    for fact in facts:
        first = known.setdefault(fact.identity, fact)
        if first is not fact and first != fact:
            raise Conflict(f"two facts are called {fact.id!r} of {fact.source!r}; fold only what the ledger accepted")
    histories: dict[EntityKey, list[ModelFact]] = {}
    for fact in known.values():
        histories.setdefault((fact.kind, fact.key), []).append(fact)
    for history in histories.values():
        if len(history) > 1:
            history.sort(key=lambda fact: fact.order)
    return histories


def _story(history: list[ModelFact]) -> _Story:
    told = [fact for fact in history if fact.source != OWN_SOURCE]
    ended = _last(told, Effect.DELETED)
    counting = history if ended is None else history[history.index(ended) + 1 :]
    return _Story(told, counting, ended, _last(counting, Effect.CREATED))


def _last(facts: list[ModelFact], effect: Effect) -> ModelFact | None:
    return next((fact for fact in reversed(facts) if fact.effect is effect), None)


def _entity(story: _Story) -> EntityState:
    latest = story.told[-1]
    return EntityState(
        state=story.state,
        data=_fields(story) if story.state == "live" else {},
        latest=latest.identity,
        sequence=latest.sequence,
        ended=None if story.ended is None else story.ended.identity,
    )


def _fields(story: _Story) -> dict[str, object]:
    """Field by field, the newest value wins."""
    fields: dict[str, object] = {}
    for fact in story.counting:
        if fact.effect is not None:
            fields.update(fact.data)
    return fields


def _links(relationship: Relationship, stories: dict[EntityKey, _Story]) -> Iterator[tuple[LinkKey, LinkState]]:
    """Every live child that refers to a parent, and what has become of that."""
    parents: dict[str, str] = {}
    for (kind, child), story in stories.items():
        if kind == relationship.child and story.state == "live":
            parent = parent_of(relationship, story.counting)
            if parent is not None:
                parents[child] = parent
    first = _first_children(relationship, parents, stories) if relationship.exclusive else None
    for child, parent in parents.items():
        whose = stories.get((relationship.parent, parent))
        state = _bond("unknown" if whose is None else whose.state)
        if state == "linked" and first is not None and first[parent] != child:
            state = "conflict"
        yield (relationship.name, child), LinkState(parent, state)


def _bond(parent: Life) -> Bond:
    if parent == "unknown":
        return "waiting"
    return "linked" if parent == "live" else "broken"


def _first_children(
    relationship: Relationship, parents: dict[str, str], stories: dict[EntityKey, _Story]
) -> dict[str, str]:
    """parent → the child that has the right to it: created first, or else of the smaller key."""
    first: dict[str, str] = {}
    for child in sorted(parents, key=lambda c: (stories[relationship.child, c].rank, c.encode())):
        first.setdefault(parents[child], child)
    return first
