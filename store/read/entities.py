"""Reads one entity as of a revision."""

from typing import Any, Literal, NamedTuple, TypeAlias

from catalog.catalog import Catalog
from store.db.snapshot import Snapshot
from store.db.sql import fetch_row, fetch_rows, fetch_value
from store.read import merged_entities
from store.read.identities import ResolvedKey

EntityState: TypeAlias = Literal["unknown", "live", "deleted"]
"""``unknown``: a placeholder, referred to by a link but never published. ``deleted``: a tombstone."""


class EntityVersion(NamedTuple):
    """One version of an entity. ``data`` is empty unless it is live; ``revision`` is the version's first one.

    ``incarnation`` and ``sequence`` include later facts that changed nothing else.
    """

    state: EntityState
    incarnation: str
    sequence: str | None
    data: dict[str, Any]
    revision: int
    references: dict[str, str]
    """Relationship → key of the parent that the entity is linked to."""
    origins: dict[str, list[str]] = {}  # noqa: RUF012  # never altered
    """Of a merged entity: field → the keys of the records that its value comes from."""


class _EntityAt(NamedTuple):
    """A row of ``entity_at``."""

    state: EntityState
    sequence: str | None
    data: dict[str, Any]
    incarnation: str
    from_revision: int


class _Reference(NamedTuple):
    """A row of ``references_at``."""

    relationship: str
    parent: str


async def find(at: Snapshot, catalog: Catalog, kind: str, key: str) -> EntityVersion | None:
    """Returns the version that is valid at the snapshot's revision, with its parents then; None: there is none."""
    row = await fetch_row(
        at.conn, _EntityAt, "entity_at", tenant=at.tenant, kind=kind, key=key, revision=at.revision
    )  # fmt: skip
    if row is None:
        return None
    live = row.state == "live"
    relationships = [r.name for r in catalog.references.get(kind, ())]
    references: list[_Reference] = []
    if live and relationships:
        references = await fetch_rows(
            at.conn,
            _Reference,
            "references_at",
            tenant=at.tenant,
            relationships=relationships,
            child=key,
            revision=at.revision,
        )
    return EntityVersion(
        state=row.state,
        incarnation=row.incarnation,
        sequence=row.sequence,
        data=row.data if live else {},
        revision=row.from_revision,
        references={reference.relationship: reference.parent for reference in references},
    )


async def find_resolved(at: Snapshot, catalog: Catalog, kind: str, key: ResolvedKey) -> EntityVersion | None:
    """Returns the version of the entity that a key stands for: of a merged one, with the fields of all its records.

    None: no fact is about it, none refers to it, and none merges anything into it.
    """
    found = await find(at, catalog, kind, key.key)
    if not key.losers:
        return found
    if found is None:
        found = EntityVersion("unknown", "", None, {}, 0, {})
    fields, changed = await merged_entities.combined(at, catalog, kind, key.members)
    return found._replace(data=fields.data, origins=fields.origins, revision=max(found.revision, changed, key.revision))


async def find_state(at: Snapshot, kind: str, key: str) -> EntityState | None:
    """Returns the state of an entity at the snapshot's revision; None: no fact or link names it."""
    state: EntityState | None = await fetch_value(
        at.conn, "entity_at", tenant=at.tenant, kind=kind, key=key, revision=at.revision
    )
    return state
