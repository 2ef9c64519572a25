"""Reads rows of replicas: the declared fields of one entity, as of a revision."""

from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.replica import Replica
from store.db.snapshot import Snapshot
from store.read import entities, identities
from store.read.entities import EntityState


class ReplicaRow(NamedTuple):
    """One row. ``key``: the entity's, which the requested one may be merged into. ``revision``: of its last change,
    also of fields that the replica does not have."""

    key: str
    state: EntityState
    data: dict[str, Any]
    revision: int

    @property
    def copied(self) -> dict[str, Any] | None:
        """What a copy holds of it; None: no row."""
        return self.data if self.state == "live" else None


async def find(at: Snapshot, catalog: Catalog, replica: Replica, key: str) -> ReplicaRow | None:
    """Returns the row at the snapshot's revision; None if no fact is about the entity, and none refers to it."""
    resolved = await identities.resolve(at, catalog, replica.of, key)
    found = await entities.find_resolved(at, catalog, replica.of, resolved)
    if found is None:
        return None
    return ReplicaRow(resolved.key, found.state, replica.reduced(found.data), found.revision)
