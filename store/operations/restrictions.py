"""Children that restrict the deletion of what they belong to, and of what would take that with it."""

from collections.abc import Sequence

from catalog.catalog import Catalog
from store.db.pool import Connection
from store.db.sql import sql


async def restrictions(
    conn: Connection, catalog: Catalog, tenant: str, kind: str, keys: Sequence[str]
) -> dict[str, str]:
    """Key → why it cannot be deleted, of those of one kind that cannot: a child, its own or of what would be deleted
    with it, belongs to it by a relationship that restricts that."""
    if kind not in catalog.restricted:
        return {}
    rows = await conn.fetch(sql("restrictions"), tenant, kind, keys, *rules(catalog))
    found = {}
    for row in rows:
        by = catalog.relationship(row["relationship"])
        found[row["key"]] = (
            f"{kind} {row['key']!r} cannot be deleted: {by.child} {row['child']!r} belongs to {by.parent} "
            f"{row['parent']!r} by {by.name}, which restricts that; move or delete the {by.child} first"
        )
    return found


def rules(catalog: Catalog) -> tuple[list[str], list[str], list[str], list[str]]:
    """Names, parents' kinds, children's kinds and policies of all relationships."""
    rels = catalog.relationships.values()
    policies = [r.on_parent_deleted.name for r in rels]
    return [r.name for r in rels], [r.parent for r in rels], [r.child for r in rels], policies
