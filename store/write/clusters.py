"""Which keys are one entity: clusters of merged pairs, and the survivor of each.

A pure function of the pairs that are in force, whatever order they arrived in.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog.identity import SurvivorRule


class MergedPair(NamedTuple):
    """A pair that the last fact about it merges. ``order``: the order key of that fact."""

    loser: str
    survivor: str
    order: bytes


@dataclass(slots=True)
class Clusters:
    """``survivors``: key → the survivor of its cluster, for every key of a pair, the survivor's own included.

    ``set_aside``: (loser, survivor) of each pair that is not joined → the keys on the way from one key of a forbidden
    pair to the other.
    """

    survivors: dict[str, str] = field(default_factory=dict)
    set_aside: dict[tuple[str, str], list[str]] = field(default_factory=dict)


def find_clusters(pairs: Iterable[MergedPair], forbidden: Iterable[tuple[str, str]], rule: SurvivorRule) -> Clusters:
    """Joins pairs in the order of their facts, except those that would join a forbidden pair.

    ``pairs``: all that are connected with each other; ``forbidden``: pairs that must not be joined; ``rule``: which
    key of a cluster survives.
    """
    found = Clusters()
    graph = _Graph(forbidden)
    losers: set[str] = set()
    pairs = [*pairs]
    named = Counter(key for pair in pairs for key in pair[:2]) if graph.may_join_all else Counter()
    left = []
    for pair in pairs:
        if named[pair.loser] == named[pair.survivor] == 1:  # connected with no other one, as most are in bulk
            survivor = _survivor(pair[:2], {pair.loser}, rule)
            found.survivors[pair.loser] = found.survivors[pair.survivor] = survivor
        else:
            left.append(pair)
    for pair in sorted(left, key=lambda p: (p.order, p.loser.encode(), p.survivor.encode())):
        path = graph.join(pair.loser, pair.survivor)
        if path:
            found.set_aside[pair.loser, pair.survivor] = path
        else:
            losers.add(pair.loser)
    for members in graph.clusters():
        survivor = _survivor(members, losers, rule)
        found.survivors |= dict.fromkeys(members, survivor)
    return found


def _survivor(members: Sequence[str], losers: set[str], rule: SurvivorRule) -> str:
    unbeaten = [] if rule is SurvivorRule.SMALLEST_KEY else [key for key in members if key not in losers]
    return min(unbeaten or members, key=str.encode)


class _Graph:
    """Joined keys. A cluster is a list that all of its members share; the smaller one is moved into the larger."""

    def __init__(self, forbidden: Iterable[tuple[str, str]]) -> None:
        self._cluster: dict[str, list[str]] = {}
        self._joined: dict[str, list[str]] = {}
        self._forbidden: dict[str, set[str]] = {}
        for one, other in forbidden:
            self._forbidden.setdefault(one, set()).add(other)
            self._forbidden.setdefault(other, set()).add(one)

    @property
    def may_join_all(self) -> bool:
        """Whether there are no forbidden pairs."""
        return not self._forbidden

    def join(self, one: str, other: str) -> list[str]:
        """Joins two keys. Returns the keys of a way between a forbidden pair that this would open, and joins nothing
        then; empty: joined."""
        left, right = (self._cluster.setdefault(key, [key]) for key in (one, other))
        if left is not right:
            if path := self._forbidden_path(left, right, one, other):
                return path
            small, large = sorted((left, right), key=len)
            large += small
            self._cluster.update(dict.fromkeys(small, large))
        self._joined.setdefault(one, []).append(other)
        self._joined.setdefault(other, []).append(one)
        return []

    def clusters(self) -> Iterable[list[str]]:
        """The members of each cluster, also of those of one key, whose pairs were set aside."""
        return {id(members): members for members in self._cluster.values()}.values()

    def _forbidden_path(self, left: list[str], right: list[str], one: str, other: str) -> list[str]:
        if not self._forbidden:
            return []
        within = set(right)
        for key in sorted(self._forbidden.keys() & left):
            for partner in sorted(self._forbidden[key] & within):
                return self._way(key, one) + self._way(other, partner)
        return []

    def _way(self, start: str, end: str) -> list[str]:
        """The keys of a shortest way over joined pairs, both ends included."""
        came_from: dict[str, str | None] = {start: None}
        waiting = deque([start])
        while waiting and end not in came_from:
            key = waiting.popleft()
            for neighbour in sorted(self._joined.get(key, ())):
                if neighbour not in came_from:
                    came_from[neighbour] = key
                    waiting.append(neighbour)
        way: list[str] = []
        step: str | None = end
        while step is not None:
            way.append(step)
            step = came_from[step]
        return way[::-1]
