"""Which keys are the same entity: pairs in force, clusters and their survivors, from the facts about identity."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from catalog.catalog import Catalog
from catalog.identity import IdentityEffect, Merged, MergePolicy, SurvivorRule, Unmerged
from catalog.registry import OWN_SOURCE
from model.facts import FactId, ModelFact
from model.order import Order
from model.versions import normal_key

OWN_IDENTITY = {
    "Merged.v1": IdentityEffect.MERGED,
    "Unmerged.v1": IdentityEffect.UNMERGED,
    "MergeForbidden.v1": IdentityEffect.FORBIDDEN,
    "MergeForbiddenLifted.v1": IdentityEffect.ALLOWED,
}
"""Tether's own facts about identity: wire type → what they say. Their fields are those that owners have by default."""


class ModelPair(NamedTuple):
    """Two keys of one kind: a loser and its survivor, or those of a forbidden pair, the smaller one first."""

    kind: str
    one: str
    other: str


class PairFact(NamedTuple):
    """The last of the facts about a pair. ``holds``: it says that the pair is merged, or forbidden."""

    fact: FactId
    order: Order
    holds: bool


@dataclass(frozen=True, slots=True)
class ModelMerges:
    """What facts about identity say together."""

    pairs: dict[ModelPair, PairFact] = field(default_factory=dict)
    """(kind, loser, survivor) → the last fact about it."""
    forbidden: dict[ModelPair, PairFact] = field(default_factory=dict)
    set_aside: dict[ModelPair, tuple[str, ...]] = field(default_factory=dict)
    """Pair in force that is not joined → the keys from one of a forbidden pair to the other that it would connect."""
    clusters: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """(kind, survivor) → the other keys of its cluster, sorted by bytes."""
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    """(kind, loser) → the survivor of its cluster."""

    def survivor(self, kind: str, key: str) -> str:
        """Returns the key under which an entity goes on: its own, unless it was merged."""
        return self.aliases.get((kind, key), key)


_Found: TypeAlias = dict[ModelPair, PairFact]


def is_about_identity(catalog: Catalog, fact: ModelFact) -> bool:
    """Returns whether a fact says which keys are the same, and nothing about the state of an entity."""
    return _effect(catalog, fact.source, fact.type) is not None


def merges_of(catalog: Catalog, facts: Iterable[ModelFact]) -> ModelMerges:
    """Returns what these facts about identity say together. They are in any order, and none of them is void."""
    pairs: _Found = {}
    forbidden: _Found = {}
    for fact in facts:
        effect = _effect(catalog, fact.source, fact.type)
        if effect in (IdentityEffect.MERGED, IdentityEffect.UNMERGED):
            _add(pairs, _merge_pairs(catalog, fact), fact, effect is IdentityEffect.MERGED)
        elif effect is not None:
            pair = _forbidden_pair(fact.kind, *(_normal(catalog, fact, fact.data[name]) for name in ("one", "other")))
            _add(forbidden, [pair], fact, effect is IdentityEffect.FORBIDDEN)
    joined, set_aside = _join(pairs, forbidden)
    merges = ModelMerges(pairs, forbidden, set_aside)
    for kind in {pair.kind for pair in joined}:
        rule = catalog.contracts.merging.get(kind, MergePolicy()).survivor
        losers = {pair.one for pair in joined if pair.kind == kind}
        for keys in _connected([pair for pair in joined if pair.kind == kind]):
            survivor = _survivor(rule, keys, losers)
            others = tuple(sorted(keys - {survivor}, key=str.encode))
            merges.clusters[kind, survivor] = others
            merges.aliases.update({(kind, loser): survivor for loser in others})
    return merges


def keys_named(catalog: Catalog, fact: ModelFact) -> set[str]:
    """Returns all keys of the pairs that a fact about identity speaks of."""
    if _effect(catalog, fact.source, fact.type) in (IdentityEffect.MERGED, IdentityEffect.UNMERGED):
        return {key for pair in _merge_pairs(catalog, fact) for key in pair[1:]}
    return {_normal(catalog, fact, fact.data[name]) for name in ("one", "other")}


def named_merge(catalog: Catalog, fact: ModelFact) -> tuple[str, list[str]] | None:
    """Returns (survivor, losers) that a fact merges, as it names them; None: it merges none."""
    if _effect(catalog, fact.source, fact.type) is not IdentityEffect.MERGED:
        return None
    pairs = [*_merge_pairs(catalog, fact)]
    return pairs[0].other, [pair.one for pair in pairs]


def _effect(catalog: Catalog, source: str, type: str) -> IdentityEffect | None:
    if source == OWN_SOURCE:
        return OWN_IDENTITY.get(type)
    contract = catalog.contracts.by_type.get(type)
    return None if contract is None else contract.identity


def _merge_pairs(catalog: Catalog, fact: ModelFact) -> Iterator[ModelPair]:
    """Yields (kind, loser, survivor). A fact whose contract has no field of losers is about the one loser."""
    survivor, losers = fact.data.get("survivor"), fact.data.get("losers")
    if fact.source != OWN_SOURCE:
        model = catalog.contracts.by_type[fact.type].model
        assert issubclass(model, Merged | Unmerged)
        survivor = fact.data[model.survivor_field]
        losers = fact.data[model.losers_field] if model.losers_field in model.model_fields else [fact.key]
    for loser in losers or ():
        yield ModelPair(fact.kind, _normal(catalog, fact, loser), _normal(catalog, fact, str(survivor)))


def _normal(catalog: Catalog, fact: ModelFact, key: str) -> str:
    return normal_key(catalog.contracts.key_forms.get(fact.kind), key)


def _forbidden_pair(kind: str, one: str, other: str) -> ModelPair:
    return ModelPair(kind, *sorted((one, other), key=str.encode))


def _add(found: _Found, pairs: Iterable[ModelPair], fact: ModelFact, holds: bool) -> None:
    """Of several facts about a pair, keeps the last in their order."""
    for pair in pairs:
        known = found.get(pair)
        if known is None or known.order < fact.order:
            found[pair] = PairFact(fact.identity, fact.order, holds)


def _join(pairs: _Found, forbidden: _Found) -> tuple[list[ModelPair], dict[ModelPair, tuple[str, ...]]]:
    """Takes the pairs in force in the order of their facts, those of one fact by their losers. Returns those that are
    joined, and those that would connect a forbidden pair, each with its path."""
    joined: list[ModelPair] = []
    set_aside: dict[ModelPair, tuple[str, ...]] = {}
    groups: dict[tuple[str, str], set[str]] = {}
    apart: dict[tuple[str, str], set[str]] = {}
    for pair, last in forbidden.items():
        if last.holds:
            apart.setdefault((pair.kind, pair.one), set()).add(pair.other)
            apart.setdefault((pair.kind, pair.other), set()).add(pair.one)
    in_force = [pair for pair, last in pairs.items() if last.holds]
    for pair in sorted(in_force, key=lambda pair: (pairs[pair].order, pair.one.encode())):
        one = groups.setdefault((pair.kind, pair.one), {pair.one})
        other = groups.setdefault((pair.kind, pair.other), {pair.other})
        if one is not other:
            small, large = sorted((one, other), key=len)
            never = [
                _forbidden_pair(pair.kind, key, foe)
                for key in small
                for foe in apart.get((pair.kind, key), set()) & large
            ]
            if never:
                first = min(never, key=lambda found: (found.one.encode(), found.other.encode()))
                set_aside[pair] = _path([*joined, pair], first)
                continue
            large |= small
            groups.update({(pair.kind, key): large for key in small})
        joined.append(pair)
    return joined, set_aside


def _path(pairs: list[ModelPair], ends: ModelPair) -> tuple[str, ...]:
    """Returns a shortest path by these pairs from one end to the other, both included."""
    neighbours = _neighbours(pair for pair in pairs if pair.kind == ends.kind)
    before: dict[str, str] = {ends.one: ""}
    ahead = deque([ends.one])
    while ends.other not in before:
        key = ahead.popleft()
        for neighbour in sorted(neighbours[key] - before.keys(), key=str.encode):
            before[neighbour] = key
            ahead.append(neighbour)
    path = [ends.other]
    while path[-1] != ends.one:
        path.append(before[path[-1]])
    return tuple(reversed(path))


def _neighbours(pairs: Iterable[ModelPair]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pair in pairs:
        found.setdefault(pair.one, set()).add(pair.other)
        found.setdefault(pair.other, set()).add(pair.one)
    return found


def _connected(pairs: list[ModelPair]) -> Iterator[set[str]]:
    """Yields the sets of keys that these pairs of one kind connect."""
    neighbours = _neighbours(pairs)
    left = set(neighbours)
    while left:
        keys, ahead = set[str](), [left.pop()]
        while ahead:
            key = ahead.pop()
            if key not in keys:
                keys.add(key)
                ahead += neighbours[key] - keys
        left -= keys
        yield keys


def _survivor(rule: SurvivorRule, keys: set[str], losers: set[str]) -> str:
    """Returns the survivor of a cluster. ``losers``: those of all joined pairs of the kind."""
    never_lost = keys - losers if rule is SurvivorRule.DECLARED else keys
    return min(never_lost or keys, key=str.encode)
