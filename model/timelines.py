"""Since when each alias and each link is as it is: what followed from the facts at every revision until now.

Facts about identity are folded again at each revision that has one of them, those together that pairs connect; links at
each revision that has a fact about a record of theirs, or at which a key changes its survivor; those of lists by
``model.pair_timelines``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from model.dated import NEVER, AliasChanges, DatedFact, LinkChanges, histories_at, merges_at, revisions_of
from model.facts import VOIDED, FactId, ModelFact
from model.links import LinkEnds, link_ends
from model.merges import is_about_identity, keys_named, merges_of
from model.pair_timelines import PairTimeline
from model.references import parent_of
from model.state import EntityKey, LinkKey


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
        self._identity: list[DatedFact] = []
        self._records: dict[EntityKey, list[DatedFact]] = {}
        for fact in known:
            dated = DatedFact(fact, revision(fact.arrival), voided.get(fact.identity, NEVER))
            if is_about_identity(catalog, fact):
                self._identity.append(dated)
            elif fact.type != VOIDED and (fact.kind in catalog.by_child or fact.kind in catalog.listing):
                self._records.setdefault((fact.kind, fact.key), []).append(dated)
        self._groups: dict[EntityKey, list[EntityKey]] = {}
        self.aliases: dict[EntityKey, AliasChanges] = {}
        for group in self._connected():
            self._fold_aliases(group)

    def _connected(self) -> list[list[DatedFact]]:
        """The facts about identity, those together whose keys are connected by any of them, at whatever revision."""
        facts: dict[int, list[DatedFact]] = {}
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

    def _fold_aliases(self, group: list[DatedFact]) -> None:
        before: dict[EntityKey, str] = {}
        for revision in revisions_of(group):
            facts = (dated.fact for dated in group if dated.counts(revision))
            now = merges_of(self._catalog, facts).aliases
            for at in before.keys() | now.keys():
                if before.get(at) != now.get(at):
                    self.aliases.setdefault(at, []).append((revision, now.get(at)))
            before = now

    def links(self) -> Iterator[tuple[LinkKey, LinkChanges]]:
        """Yields (key of the link, changes) of every link that there has ever been."""
        done: set[EntityKey] = set()
        for at in self._records:
            if at not in done:
                members = self._groups.get(at, [at])
                done.update(members)
                yield from self._links_of(at[0], members)
                for relationship in self._catalog.listing.get(at[0], ()):
                    yield from PairTimeline(self._catalog, relationship, members, self._records, self.aliases).changes()

    def _links_of(self, kind: str, members: Sequence[EntityKey]) -> Iterator[tuple[LinkKey, LinkChanges]]:
        """Those of some records that were ever connected, or of one alone, as children with one parent at most."""
        records = [dated for at in members for dated in self._records.get(at, ())]
        relationships = self._catalog.references.get(kind, ())
        if not relationships:
            return
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
        revisions = {*revisions_of(records), *(revision for of_one in aliases.values() for revision, _ in of_one)}
        for revision in sorted(revisions):
            histories = histories_at(self._catalog, self._records, members, revision)
            merges = merges_at(aliases, members, revision)
            now: dict[LinkKey, LinkEnds] = {
                (relationship.name, child): found
                for relationship in relationships
                for child, found in link_ends(relationship, histories, merges).items()
            }
            for at in before.keys() | now.keys():
                if before.get(at) != now.get(at):
                    changes.setdefault(at, []).append((revision, now.get(at)))
            before = now
        yield from changes.items()
