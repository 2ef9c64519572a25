"""Folds a set of facts into the state. Repetition and batches cannot matter, since the input is a set.

Nor does the order of the input: where arrival decides between facts, each says itself when it arrived.
"""

from __future__ import annotations

from collections.abc import Iterable

from catalog.catalog import Catalog
from errors import Conflict
from model.facts import VOIDED, FactId, ModelFact
from model.history import History, history
from model.links import Histories, links
from model.merges import ModelMerges, is_about_identity, merges_of
from model.pairs import pairs
from model.restarts import numbered
from model.state import PLACEHOLDER, EntityKey, LinkKey, ModelEntity, ModelLink, ModelState


def fold(catalog: Catalog, facts: Iterable[ModelFact]) -> ModelState:
    """Returns the state of one tenant from all its accepted facts, in any order, each any number of times.

    Raises Conflict if two different facts have the same source and id.
    """
    histories, merges = histories_of(catalog, facts)
    found: dict[LinkKey, ModelLink] = {}
    for relationship in catalog.relationships.values():
        if relationship.many:
            found.update(pairs(catalog, relationship, histories, merges))
        else:
            found.update(links(relationship, histories, merges))
    entities = {entity: _entity(of_one) for entity, of_one in histories.items() if of_one.published}
    for loser in merges.aliases:
        record = entities.get(loser, PLACEHOLDER)
        entities[loser] = record._replace(state="merged", recorded=record.state)
    for (name, child, *_), link in found.items():
        relationship = catalog.relationships[name]
        named = relationship.element_kind, child if relationship.parent_lists else link.parent
        entities.setdefault(named, PLACEHOLDER)
    return ModelState(entities, found, merges)


def histories_of(catalog: Catalog, facts: Iterable[ModelFact]) -> tuple[Histories, ModelMerges]:
    """Returns the history of each entity that facts are about, and what facts say about identity. Raises Conflict."""
    about_identity: list[ModelFact] = []
    about_state: list[ModelFact] = []
    for fact in _accepted(facts):
        if is_about_identity(catalog, fact):
            about_identity.append(fact)
        elif fact.type not in catalog.contracts.activity:
            about_state.append(fact)
    histories = {entity: history(of_one) for entity, of_one in _by_entity(catalog, about_state).items()}
    return histories, merges_of(catalog, about_identity)


def _accepted(facts: Iterable[ModelFact]) -> list[ModelFact]:
    """Returns each fact once, without those that are void. Raises Conflict."""
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
    voided = {FactId(f.data["source"], f.data["id"]) for f in known.values() if f.type == VOIDED}
    return [fact for fact in known.values() if fact.identity not in voided and fact.type != VOIDED]


def _by_entity(catalog: Catalog, facts: Iterable[ModelFact]) -> dict[EntityKey, list[ModelFact]]:
    """Returns (kind, key) → the set of its facts, in their order."""
    found: dict[EntityKey, list[ModelFact]] = {}
    for fact in facts:
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


def _entity(history: History) -> ModelEntity:
    latest = history.published[-1]
    return ModelEntity(
        state=history.state,
        data=_fields(history) if history.state == "live" else {},
        latest=latest.identity,
        sequence=latest.sequence,
        ended=None if history.deleted is None else history.deleted.identity,
    )


def _fields(history: History) -> dict[str, object]:
    """Returns field → its newest value."""
    fields: dict[str, object] = {}
    for fact in history.current:
        if fact.effect is not None:
            fields.update(fact.data)
    return fields
