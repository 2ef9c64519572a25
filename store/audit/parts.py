"""Cuts a tenant into parts that can be folded one after the other, so that memory does not grow with the tenant.

An entity belongs to the part that its kind and key give, and a link to that of the entity it names: its parent, or the
child that a parent lists. To fold a part takes the facts about its entities, and about all that ever named one of them;
and in each part the facts about identity, and those about the records that they name.
"""

from collections.abc import Iterable, Sequence
from sys import intern
from zlib import crc32

from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from model.facts import ModelFact
from model.fold import histories_of
from model.lists import elements_named
from model.merges import is_about_identity, keys_named
from model.references import parent_of
from model.state import EntityKey
from store.audit.spool import Item

FACTS = 50_000
"""Facts of one part, about. Folded, each takes 3 KB, and some are in two parts or three."""
MOST = 256
"""Parts: each has open files."""


class Parts:
    """The parts of one tenant. ``count``: how many there are."""

    def __init__(self, catalog: Catalog, facts: int, about_identity: Iterable[ModelFact]) -> None:
        """``facts``: how many the tenant has; ``about_identity``: all of that kind, and those that void others."""
        self.count = min(MOST, facts // FACTS + 1)
        self._catalog = catalog
        known = [*about_identity]
        _, self._merges = histories_of(catalog, known)
        said = [fact for fact in known if is_about_identity(catalog, fact)]
        self._everywhere: set[EntityKey] = {(fact.kind, key) for fact in said for key in keys_named(catalog, fact)}
        self._everywhere |= {(fact.kind, fact.key) for fact in said}

    def of(self, kind: str, key: str) -> int:
        """The part of an entity."""
        return crc32(f"{kind}\0{key}".encode()) % self.count

    def fold_in(self, kind: str, key: str, facts: Sequence[ModelFact]) -> Iterable[int]:
        """The parts for which the facts about an entity have to be folded."""
        if (kind, key) in self._everywhere:
            return range(self.count)
        found = {self.of(kind, key)}
        for relationship in self._catalog.references.get(kind, ()):
            for fact in facts:
                named = parent_of(relationship, (fact,))
                if named is not None:
                    found.add(self.of(relationship.parent, self._merges.survivor(relationship.parent, named.key)))
        for relationship in self._catalog.listing.get(kind, ()):
            if self.count > 1:
                element_kind = relationship.element_kind
                named_keys = elements_named(self._catalog, relationship, facts)
                found |= {self.of(element_kind, self._merges.survivor(element_kind, key)) for key in named_keys}
        return found


_EFFECT = ModelFact._fields.index("effect")


def plain_fact(fact: ModelFact) -> Item:
    """A fact as a spool takes it."""
    return (*fact[:_EFFECT], None if fact.effect is None else fact.effect.value, *fact[_EFFECT + 1 :])


def model_fact(item: Item) -> ModelFact:
    """The reverse. Types, kinds and sources are one string for all facts that have them."""
    fact = ModelFact(*item)
    effect = None if fact.effect is None else Effect(fact.effect)
    return fact._replace(effect=effect, type=intern(fact.type), kind=intern(fact.kind), source=intern(fact.source))
