"""Which keys are one entity as of a revision: the one look-up through which every read resolves a key."""

from typing import NamedTuple

from catalog.catalog import Catalog
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows, fetch_value


class ResolvedKey(NamedTuple):
    """a key that a reader gave, and the entity that it stands for.

    ``requested``: the key as it was given; ``key``: the survivor's, the same if it is not merged into another one;
    ``losers``: the keys that are merged into the survivor, by their bytes.
    """

    requested: str
    key: str
    losers: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """All keys of the entity, the survivor's first."""
        return self.key, *self.losers

    @property
    def merged(self) -> bool:
        """Whether the requested key is merged into another one."""
        return self.key != self.requested


class _Loser(NamedTuple):
    """A row of ``losers_at``."""

    key: str


async def resolve(at: Snapshot, catalog: Catalog, kind: str, key: str) -> ResolvedKey:
    """Returns the identity of a key at the snapshot's revision; kinds that cannot be merged need no query."""
    if kind not in catalog.contracts.merging:
        return ResolvedKey(key, key)
    where = {"tenant": at.tenant, "kind": kind, "revision": at.revision}
    survivor: str | None = await fetch_value(at.conn, "survivor_at", key=key, **where)
    losers = await fetch_rows(at.conn, _Loser, "losers_at", survivor=survivor or key, **where)
    return ResolvedKey(key, survivor or key, tuple(loser.key for loser in losers))
