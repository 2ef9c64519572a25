"""Facts with the revisions between which they count, and what was the case at one of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from catalog.catalog import Catalog
from model.facts import ModelFact
from model.history import history
from model.links import Histories, LinkEnds
from model.merges import ModelMerges
from model.restarts import numbered
from model.state import EntityKey

NEVER = 2**63 - 1

AliasChanges: TypeAlias = list[tuple[int, str | None]]
"""(revision, survivor from it on; None: it is not merged), in their order."""
LinkChanges: TypeAlias = list[tuple[int, LinkEnds | None]]
"""(revision, the ends of the link from it on; None: there is none), in their order."""


class DatedFact(NamedTuple):
    """A fact that counts from the revision ``begins`` on until it was voided by ``ends``."""

    fact: ModelFact
    begins: int
    ends: int

    def counts(self, revision: int) -> bool:
        """Returns whether it counts at a revision."""
        return self.begins <= revision < self.ends


def value_at(changes: Sequence[tuple[int, str | None]], revision: int) -> str | None:
    """Returns what holds at a revision; None before the first change."""
    place = bisect_right(changes, revision, key=lambda change: change[0])
    return changes[place - 1][1] if place else None


def revisions_of(facts: Iterable[DatedFact]) -> list[int]:
    """Returns the revisions at which one of the facts begins or ceases to count, in their order."""
    return sorted({revision for dated in facts for revision in dated[1:] if revision != NEVER})


def histories_at(
    catalog: Catalog, records: Mapping[EntityKey, Sequence[DatedFact]], members: Iterable[EntityKey], revision: int
) -> Histories:
    """Returns the history that each of some records had at a revision, of those of which facts were known."""
    found: Histories = {}
    for at in members:
        facts = [dated.fact for dated in records.get(at, ()) if dated.counts(revision)]
        if facts:
            facts = numbered(facts) if at[0] in catalog.restarting else facts
            found[at] = history(sorted(facts, key=lambda fact: fact.order))
    return found


def merges_at(aliases: Mapping[EntityKey, AliasChanges], members: Iterable[EntityKey], revision: int) -> ModelMerges:
    """Returns who stood for whom at a revision. ``members``: those of which clusters are returned as well."""
    found = ModelMerges()
    for at, changes in aliases.items():
        survivor = value_at(changes, revision)
        if survivor is not None:
            found.aliases[at] = survivor
    for kind, key in members:
        if (survivor := found.aliases.get((kind, key))) is not None:
            found.clusters[kind, survivor] = (*found.clusters.get((kind, survivor), ()), key)
    return found
