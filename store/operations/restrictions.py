"""Children that restrict the deletion of their parent, and of what would be deleted with it."""

from collections.abc import Sequence
from typing import NamedTuple

from catalog.catalog import Catalog
from messages.operation_reasons import EndReason
from store.db.pool import Connection
from store.db.sql import fetch_rows


class _Restriction(NamedTuple):
    """A row of ``restrictions``: a link by which ``child`` restricts the deletion of the entity ``key``."""

    key: str
    relationship: str
    child: str
    parent: str


async def restrictions(
    conn: Connection, catalog: Catalog, tenant: str, kind: str, keys: Sequence[str]
) -> dict[str, EndReason]:
    """Returns key → why the entity cannot be deleted, for those entities of one kind that cannot.

    A child restricts it by its relationship: a child of the entity, or of one that would be deleted with it.
    """
    if kind not in catalog.restricted:
        return {}
    columns = catalog.columns()
    rows = await fetch_rows(
        conn,
        _Restriction,
        "restrictions",
        tenant=tenant,
        kind=kind,
        keys=keys,
        names=columns.names,
        parent_kinds=columns.parent_kinds,
        child_kinds=columns.child_kinds,
        policies=columns.policies,
        many=columns.many,
        shared=columns.skips_shared,
    )
    found = {}
    for row in rows:
        by = catalog.relationship(row.relationship)
        found[row.key] = EndReason(
            "restricted",
            {
                "kind": kind,
                "key": row.key,
                "relationship": by.name,
                "child_kind": by.child,
                "child": row.child,
                "parent_kind": by.parent,
                "parent": row.parent,
            },
        )
    return found
