"""What one record lists: the keys in its list, and those that single facts add to it or remove from it.

Of the facts about one record and one key the newest decides: one that carries the whole list says of every key whether
it is in it, one that adds or removes a key says so of this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import Relationship
from model.facts import LINKED, UNLINKED, ModelFact
from model.history import History, Life
from model.references import key_of
from model.versions import newest_type, normal_key


class ModelElement(NamedTuple):
    """A fact about one key of the list of a record. ``adds``: it adds the key to the list; else it removes it."""

    element: str
    adds: bool
    fact: ModelFact


class ModelList:
    """The list of a record, in the life that counts: the present one, or of a deleted record its last one."""

    def __init__(self, relationship: Relationship, history: History) -> None:
        """``history``: of a record of which its owner has published facts."""
        self._life = history.last_life
        self._deleted = history.state == "deleted"
        field = relationship.list_field
        carrying = (fact for fact in reversed(self._life.facts) if fact.effect is not None and field in fact.data)
        self._whole = next(carrying, None)
        self.elements = set() if self._whole is None else elements_of(relationship, self._whole)
        """The keys in the newest fact that carries the whole list."""

    def states(self, element: str, about: Sequence[ModelElement]) -> bool:
        """Returns whether it lists a key. ``about``: the facts about this one, in any order.

        What a record listed when it was deleted, a later fact can remove.
        """
        if not self._life.facts and self._deleted:
            return False  # a deletion of which no life before is known
        newest = _newest(one for one in about if _is_in(self._life, one.fact))
        if newest is None or (self._whole is not None and self._whole.order > newest.fact.order):
            listed = element in self.elements
        else:
            listed = newest.adds
        if not listed or not self._deleted:
            return listed
        last = _newest(about)
        return last is None or last.adds or not _is_after(self._life, last.fact)


def element_fact(catalog: Catalog, relationship: Relationship, fact: ModelFact) -> ModelElement | None:
    """Returns what a fact about a record says of one key of its list in this relationship; None: it is another fact."""
    if fact.source == OWN_SOURCE:
        if fact.type not in (LINKED, UNLINKED) or fact.data["relationship"] != relationship.name:
            return None
        return ModelElement(fact.data["child" if relationship.parent_lists else "parent"], fact.type == LINKED, fact)
    says = catalog.contracts.by_type[newest_type(catalog, fact.type)].element
    if says is None or says.each != relationship.list_field:
        return None
    element = _element(relationship, fact.data.get(says.field))
    return None if element is None else ModelElement(element, says.adds, fact)


def elements_of(relationship: Relationship, fact: ModelFact) -> set[str]:
    """Returns the keys in the list that a fact carries; none if it is no list. What is no key refers to nothing."""
    value = fact.data.get(relationship.list_field or "")
    items = value if isinstance(value, list) else []
    return {key for item in items if (key := _element(relationship, item)) is not None}


def _element(relationship: Relationship, value: Any) -> str | None:
    key = key_of(value)
    return None if key is None else normal_key(relationship.element_form, key)


def elements_named(catalog: Catalog, relationship: Relationship, facts: Iterable[ModelFact]) -> set[str]:
    """Returns all keys that facts about a record of the kind that lists name, in its list or one by one."""
    found: set[str] = set()
    for fact in facts:
        if fact.effect is not None:
            found |= elements_of(relationship, fact)
        elif (one := element_fact(catalog, relationship, fact)) is not None:
            found.add(one.element)
    return found


def stated(catalog: Catalog, relationship: Relationship, history: History) -> set[str]:
    """Returns the keys that a record lists, by all of its facts."""
    listing = ModelList(relationship, history)
    about: dict[str, list[ModelElement]] = {}
    for fact in history.facts:
        if fact.effect is None and (one := element_fact(catalog, relationship, fact)) is not None:
            about.setdefault(one.element, []).append(one)
    return {element for element in listing.elements | about.keys() if listing.states(element, about.get(element, ()))}


def _newest(facts: Iterable[ModelElement]) -> ModelElement | None:
    return max(facts, key=lambda one: one.fact.order, default=None)


def _is_in(life: Life, fact: ModelFact) -> bool:
    return (life.after is None or fact.order > life.after.order) and not _is_after(life, fact)


def _is_after(life: Life, fact: ModelFact) -> bool:
    return life.until is not None and fact.order > life.until.order
