"""Since when each many-to-many link is as it is, by the records that list its other end.

What a record lists is derived from all of its facts at each revision that has one about the whole record, or at which a
key changes its survivor. A fact about one key of a list is looked at for that key alone, as a list may have thousands
of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from model.dated import AliasChanges, DatedFact, LinkChanges, histories_at, merges_at, revisions_of
from model.links import LinkEnds
from model.lists import ModelElement, ModelList, element_fact, elements_named
from model.merges import ModelMerges
from model.pairs import Pair, counts, ends_of
from model.restarts import numbered
from model.state import EntityKey, LinkKey


class PairTimeline:
    """The past of the links that some records state, which were ever connected, or of one record alone."""

    def __init__(
        self,
        catalog: Catalog,
        relationship: Relationship,
        members: Sequence[EntityKey],
        records: Mapping[EntityKey, Sequence[DatedFact]],
        aliases: Mapping[EntityKey, AliasChanges],
    ) -> None:
        """``members``: records of the kind that lists; ``records``: all facts by record; ``aliases``: of all keys."""
        self._catalog, self._relationship, self._members = catalog, relationship, members
        self._whole: dict[EntityKey, list[DatedFact]] = {at: [] for at in members}
        self._single: dict[str, list[tuple[EntityKey, DatedFact]]] = {}
        for at in members:
            for dated in records.get(at, ()):
                if dated.fact.effect is not None:
                    self._whole[at].append(dated)
                elif (one := element_fact(catalog, relationship, dated.fact)) is not None:
                    self._single.setdefault(one.element, []).append((at, dated))
        facts = (dated.fact for at in members for dated in records.get(at, ()))
        elements = [(relationship.element_kind, key) for key in elements_named(catalog, relationship, facts)]
        self._aliases = {at: aliases[at] for at in (*members, *elements) if at in aliases}
        self._merges = ModelMerges()
        self._listings: dict[EntityKey, ModelList] = {}
        self._under: dict[str, set[str]] = {}

    def changes(self) -> Iterator[tuple[LinkKey, LinkChanges]]:
        """Yields ((relationship, child, parent), changes) of every link that there has ever been."""
        whole = {*revisions_of(dated for facts in self._whole.values() for dated in facts)}
        whole |= {revision for of_one in self._aliases.values() for revision, _ in of_one}
        single: dict[int, set[str]] = {}
        for element, facts in self._single.items():
            for revision in revisions_of(dated for _, dated in facts):
                single.setdefault(revision, set()).add(element)
        found: dict[Pair, LinkChanges] = {}
        before: dict[Pair, LinkEnds] = {}
        for revision in sorted(whole | single.keys()):
            if revision in whole:
                self._look(revision)
                now = self._ends(set[str]().union(*self._under.values()), revision)
                concerned: Collection[Pair] = before.keys() | now.keys()
            else:
                survivors = {self._survivor(element) for element in single[revision]}
                now = self._ends(set[str]().union(*map(self._known_as, survivors)), revision)
                concerned = {*product({self._merges.survivor(*at) for at in self._members}, survivors)}
            for at in concerned:
                if before.get(at) != now.get(at):
                    found.setdefault(at, []).append((revision, now.get(at)))
                    if at in now:
                        before[at] = now[at]
                    else:
                        del before[at]
        for at, changes in found.items():
            yield (self._relationship.name, *self._relationship.ends(*at)), changes

    def _look(self, revision: int) -> None:
        """Derives what holds from a revision on until the next one that has more than facts about single keys."""
        self._merges = merges_at(self._aliases, self._members, revision)
        histories = histories_at(self._catalog, self._whole, self._members, revision)
        self._listings = {
            at: ModelList(self._relationship, history)
            for at, history in histories.items()
            if counts(self._relationship, at[1], history, histories, self._merges)
        }
        self._under = {}
        for element in self._single.keys() | set[str]().union(*(of.elements for of in self._listings.values())):
            self._under.setdefault(self._survivor(element), set()).add(element)

    def _ends(self, elements: Iterable[str], revision: int) -> dict[Pair, LinkEnds]:
        said = [
            (at[1], element)
            for element in elements
            for at, listing in self._listings.items()
            if listing.states(element, self._about(at, element, revision))
        ]
        return ends_of(self._relationship, said, self._merges)

    def _about(self, at: EntityKey, element: str, revision: int) -> list[ModelElement]:
        facts = [dated.fact for of, dated in self._single.get(element, ()) if of == at and dated.counts(revision)]
        if facts and at[0] in self._catalog.restarting:
            whole = [dated.fact for dated in self._whole[at] if dated.counts(revision)]
            facts = numbered([*whole, *facts])[len(whole) :]
        found = (element_fact(self._catalog, self._relationship, fact) for fact in facts)
        return [one for one in found if one is not None]

    def _survivor(self, element: str) -> str:
        return self._merges.survivor(self._relationship.element_kind, element)

    def _known_as(self, survivor: str) -> set[str]:
        return self._under.get(survivor, {survivor})
