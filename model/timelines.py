"""Since when each alias and each link is as it is: what followed from the facts at every revision until now.

Facts about identity are folded again at each revision that has one of them, those together that pairs connect; links at
each revision that has a fact about a record of theirs, or at which a key changes its survivor.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from model.facts import VOIDED, FactId, ModelFact
from model.history import history
from model.links import Histories, LinkEnds, link_ends
from model.merges import ModelMerges, is_about_identity, keys_named, merges_of
from model.references import parent_of
from model.restarts import numbered
from model.state import EntityKey, LinkKey

NEVER = 2**63 - 1

AliasChanges: TypeAlias = list[tuple[int, str | None]]
"""(revision, survivor from it on; None: it is not merged), in their order."""
LinkChanges: TypeAlias = list[tuple[int, LinkEnds | None]]
"""(revision, the ends of the link from it on; None: there is none), in their order."""


class _DatedFact(NamedTuple):
    """A fact that counts from the revision ``begins`` on until it was voided by ``ends``."""

    fact: ModelFact
    begins: int
    ends: int

    def counts(self, revision: int) -> bool:
        return self.begins <= revision < self.ends


class Timelines:
    """The past of aliases and links. ``facts``: all of a tenant, each once; ``revision``: its revision, by position."""

    def __init__(self, catalog: Catalog, facts: Iterable[ModelFact], revision: Callable[[int], int]) -> None:
        self._catalog = catalog
        known = [*facts]
        voided = {
            FactId(fact.data["source"], fact.data["id"]): revision(fact.arrival)
            for fact in sorted(known, key=lambda fact: -fact.arrival)
            if fact.type == VOIDED
        }
        self._identity: list[_DatedFact] = []
        self._records: dict[EntityKey, list[_DatedFact]] = {}
        for fact in known:
            dated = _DatedFact(fact, revision(fact.arrival), voided.get(fact.identity, NEVER))
            if is_about_identity(catalog, fact):
                self._identity.append(dated)
            elif fact.type != VOIDED and fact.kind in catalog.by_child:
                self._records.setdefault((fact.kind, fact.key), []).append(dated)
        self._groups: dict[EntityKey, list[EntityKey]] = {}
        self.aliases: dict[EntityKey, AliasChanges] = {}
        for group in self._connected():
            self._fold_aliases(group)

    def _connected(self) -> list[list[_DatedFact]]:
        """The facts about identity, those together whose keys are connected by any of them, at whatever revision."""
        facts: dict[int, list[_DatedFact]] = {}
        for dated in self._identity:
            kind = dated.fact.kind
            keys = [(kind, key) for key in keys_named(self._catalog, dated.fact)]
            groups = {id(group): group for at in keys for group in [self._groups.setdefault(at, [at])]}
            largest, *others = sorted(groups.values(), key=len, reverse=True)
            of_largest = facts.setdefault(id(largest), [])
            of_largest.append(dated)
            for group in others:
                of_largest += facts.pop(id(group), [])
                largest += group
                self._groups.update(dict.fromkeys(group, largest))
        return [*facts.values()]

    def _fold_aliases(self, group: list[_DatedFact]) -> None:
        before: dict[EntityKey, str] = {}
        for revision in _revisions(group):
            facts = (dated.fact for dated in group if dated.counts(revision))
            now = merges_of(self._catalog, facts).aliases
            for at in before.keys() | now.keys():
                if before.get(at) != now.get(at):
                    self.aliases.setdefault(at, []).append((revision, now.get(at)))
            before = now

    def links(self) -> Iterator[tuple[LinkKey, LinkChanges]]:
        """Yields ((relationship, child), changes) of every link that there has ever been."""
        done: set[EntityKey] = set()
        for at in self._records:
            if at not in done:
                members = self._groups.get(at, [at])
                done.update(members)
                yield from self._links_of(at[0], members)

    def _links_of(self, kind: str, members: Sequence[EntityKey]) -> Iterator[tuple[LinkKey, LinkChanges]]:
        """Those of some records that were ever connected, or of one alone."""
        records = [dated for at in members for dated in self._records.get(at, ())]
        relationships = self._catalog.by_child[kind]
        parents = {
            (relationship.parent, named.key)
            for relationship in relationships
            for fact, _, _ in records
            if (named := parent_of(relationship, [fact])) is not None
        }
        aliases = {at: self.aliases[at] for at in (*members, *parents) if at in self.aliases}
        fact, begins, ends = records[0]
        if len(records) == 1 and ends == NEVER and not aliases:  # as most are
            for relationship in relationships:
                named = parent_of(relationship, [fact])
                if named is not None and fact.effect in (Effect.CREATED, Effect.CHANGED):
                    yield (relationship.name, fact.key), [(begins, LinkEnds(named.key, None, None))]
            return
        changes: dict[LinkKey, LinkChanges] = {}
        before: dict[LinkKey, LinkEnds] = {}
        revisions = {*_revisions(records), *(revision for of_one in aliases.values() for revision, _ in of_one)}
        for revision in sorted(revisions):
            histories = self._histories(members, revision)
            merges = _merges_at(aliases, members, revision)
            now = {
                (relationship.name, child): found
                for relationship in relationships
                for child, found in link_ends(relationship, histories, merges).items()
            }
            for at in before.keys() | now.keys():
                if before.get(at) != now.get(at):
                    changes.setdefault(at, []).append((revision, now.get(at)))
            before = now
        yield from changes.items()

    def _histories(self, members: Sequence[EntityKey], revision: int) -> Histories:
        found: Histories = {}
        for at in members:
            facts = [dated.fact for dated in self._records.get(at, ()) if dated.counts(revision)]
            if facts:
                facts = numbered(facts) if at[0] in self._catalog.restarting else facts
                found[at] = history(sorted(facts, key=lambda fact: fact.order))
        return found


def value_at(changes: Sequence[tuple[int, str | None]], revision: int) -> str | None:
    """What holds at a revision; None before the first change."""
    place = bisect_right(changes, revision, key=lambda change: change[0])
    return changes[place - 1][1] if place else None


def _revisions(facts: Iterable[_DatedFact]) -> list[int]:
    return sorted({revision for dated in facts for revision in dated[1:] if revision != NEVER})


def _merges_at(aliases: dict[EntityKey, AliasChanges], members: Sequence[EntityKey], revision: int) -> ModelMerges:
    """Who stands for whom of the keys that have ever been merged."""
    found = ModelMerges()
    for at, changes in aliases.items():
        survivor = value_at(changes, revision)
        if survivor is not None:
            found.aliases[at] = survivor
    for kind, key in members:
        if (survivor := found.aliases.get((kind, key))) is not None:
            found.clusters[kind, survivor] = (*found.clusters.get((kind, survivor), ()), key)
    return found
