"""One entity, as it was at a revision."""

from typing import Any, NamedTuple

from catalog.catalog import Catalog
from store.db.snapshot import Snapshot
from store.db.sql import sql
from store.write.entity_state import incarnation


class Entity(NamedTuple):
    """A version of an entity. ``data`` is empty unless it is live; ``revision`` is that of the version.

    ``incarnation`` and ``sequence`` take in facts that came later and changed nothing else.
    """

    state: str
    incarnation: str
    sequence: str | None
    data: dict[str, Any]
    revision: int
    references: dict[str, str]


async def find(at: Snapshot, catalog: Catalog, kind: str, key: str) -> Entity | None:
    """The version that is valid at the snapshot's revision, with the parents it is linked to then."""
    row = await at.conn.fetchrow(sql("entity_at"), at.tenant, kind, key, at.revision)
    if row is None:
        return None
    names = [r.name for r in catalog.by_child.get(kind, ())]
    references = {}
    if names and row["state"] == "live":
        rows = await at.conn.fetch(sql("references_at"), at.tenant, names, key, at.revision)
        references = {r["relationship"]: r["parent"] for r in rows}
    return Entity(
        state=row["state"],
        incarnation=incarnation(row["ended"]),
        sequence=row["sequence"],
        data=row["data"] if row["state"] == "live" else {},
        revision=row["from_revision"],
        references=references,
    )


async def state(at: Snapshot, kind: str, key: str) -> str | None:
    """``unknown``, ``live``, ``deleted``, or None if nobody ever spoke of it."""
    found: str | None = await at.conn.fetchval(sql("entity_at"), at.tenant, kind, key, at.revision)
    return found
