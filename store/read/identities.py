"""Which keys are one entity as of a revision: the one look-up through which every read resolves a key."""

from typing import NamedTuple

from catalog.catalog import Catalog
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows


class ResolvedKey(NamedTuple):
    """A key that a reader gave, and the entity that it stands for.

    ``requested``: the key as it was given, in normal form; ``key``: the survivor's, the same if it is not merged into
    another one; ``losers``: the keys that are merged into the survivor, by their bytes;
    ``revision``: at which the last of them was, 0 if there is none.
    """

    requested: str
    key: str
    losers: tuple[str, ...] = ()
    revision: int = 0

    @property
    def members(self) -> tuple[str, ...]:
        """All keys of the entity, the survivor's first."""
        return self.key, *self.losers

    @property
    def merged(self) -> bool:
        """Whether the requested key is merged into another one."""
        return self.key != self.requested


class _Resolved(NamedTuple):
    """A row of ``resolve_key``."""

    survivor: str
    key: str | None
    from_revision: int | None


async def resolve(at: Snapshot, catalog: Catalog, kind: str, key: str) -> ResolvedKey:
    """Returns what a key, in any spelling that its kind takes, stands for at the snapshot's revision. Where nothing was
    ever merged, no query is needed."""
    key = catalog.contracts.key(kind, key)
    if not at.merges or kind not in catalog.contracts.merging:
        return ResolvedKey(key, key)
    rows = await fetch_rows(
        at.conn, _Resolved, "resolve_key", tenant=at.tenant, kind=kind, key=key, revision=at.revision
    )  # fmt: skip
    losers = tuple(row.key for row in rows if row.key is not None)
    return ResolvedKey(key, rows[0].survivor, losers, max(row.from_revision or 0 for row in rows))
