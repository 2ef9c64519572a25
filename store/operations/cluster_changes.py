"""What becomes of clusters if pairs are merged, unmerged or forbidden, worked out before any fact says so."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from catalog.catalog import Catalog
from facts.identity import forbidden_pair
from store.db.pool import Connection
from store.write import merge_pairs
from store.write.clusters import Clusters, MergedPair, find_clusters

KeyPair = tuple[str, str]
"""(loser, survivor), or the two of a forbidden pair."""


@dataclass(frozen=True)
class ClusterChange:
    """The clusters of connected keys before and after a change."""

    before: Clusters
    after: Clusters

    @cached_property
    def new_aliases(self) -> dict[str, str]:
        """Key that is a survivor before, or in no pair, and merged into another one after → that one; by key."""
        found = {key: now for key, now in self.after.survivors.items() if now != key and self.was(key) == key}
        return dict(sorted(found.items(), key=lambda alias: alias[0].encode()))

    @cached_property
    def renamed(self) -> list[tuple[str, str, str]]:
        """(key, survivor before, survivor after) of each key whose survivor changes, by key."""
        keys = sorted(self.before.survivors.keys() | self.after.survivors.keys(), key=str.encode)
        return [(key, self.was(key), self.now(key)) for key in keys if self.was(key) != self.now(key)]

    @cached_property
    def newly_set_aside(self) -> dict[KeyPair, list[str]]:
        """Pairs that the change sets aside, with the keys on the way between the two of the forbidden pair."""
        return {pair: path for pair, path in self.after.set_aside.items() if pair not in self.before.set_aside}

    def was(self, key: str) -> str:
        """The survivor of a key before; itself if it is not merged."""
        return self.before.survivors.get(key, key)

    def now(self, key: str) -> str:
        """The survivor of a key after; itself if it is not merged."""
        return self.after.survivors.get(key, key)

    def members(self, survivor: str) -> list[str]:
        """The keys of a cluster after the change, the survivor first, then the others by key."""
        others = (key for key, of in self.after.survivors.items() if of == survivor and key != survivor)
        return [survivor, *sorted(others, key=str.encode)]


async def preview_change(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    kind: str,
    keys: Collection[str],
    *,
    merged: Sequence[MergedPair] = (),
    unmerged: Collection[KeyPair] = (),
    forbidden: Collection[KeyPair] = (),
    allowed: Collection[KeyPair] = (),
) -> ClusterChange:
    """Works out the clusters of one kind as they are, and as they would be.

    ``keys``: of all pairs that change; ``merged``, ``unmerged``: pairs; ``forbidden``, ``allowed``: pairs that must not
    be merged from then on, or may be.
    """
    pairs, apart = await merge_pairs.connected(conn, tenant, kind, keys)
    rule = catalog.contracts.merging[kind].survivor
    replaced = {*unmerged, *((pair.loser, pair.survivor) for pair in merged)}
    left = [pair for pair in pairs if (pair.loser, pair.survivor) not in replaced]
    lifted = {forbidden_pair(kind, *pair)[1:] for pair in allowed}
    still_apart = [pair for pair in apart if tuple(pair) not in lifted]
    return ClusterChange(
        find_clusters(pairs, apart, rule), find_clusters([*left, *merged], [*still_apart, *forbidden], rule)
    )
