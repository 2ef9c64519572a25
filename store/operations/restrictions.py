"""Children that restrict the deletion of their parent, and of what would be deleted with it."""

from collections.abc import Sequence

from catalog.catalog import Catalog
from messages.operation_reasons import EndReason
from store.db.pool import Connection
from store.db.sql import sql


async def restrictions(
    conn: Connection, catalog: Catalog, tenant: str, kind: str, keys: Sequence[str]
) -> dict[str, EndReason]:
    """Key → why it cannot be deleted, for the entities of one kind that cannot.

    A child restricts it by its relationship: a child of the entity, or of one that would be deleted with it.
    """
    if kind not in catalog.restricted:
        return {}
    rows = await conn.fetch(sql("restrictions"), tenant, kind, keys, *rules(catalog))
    found = {}
    for row in rows:
        by = catalog.relationship(row["relationship"])
        found[row["key"]] = EndReason(
            "restricted",
            {
                "kind": kind,
                "key": row["key"],
                "relationship": by.name,
                "child_kind": by.child,
                "child": row["child"],
                "parent_kind": by.parent,
                "parent": row["parent"],
            },
        )
    return found


def rules(catalog: Catalog) -> tuple[list[str], list[str], list[str], list[str]]:
    """Names, parents' kinds, children's kinds and policies of all relationships."""
    rels = catalog.relationships.values()
    policies = [r.on_parent_deleted.name for r in rels]
    return [r.name for r in rels], [r.parent for r in rels], [r.child for r in rels], policies
