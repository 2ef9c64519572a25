"""Rewrites the order keys that operations hold, for `reorder`: before the facts themselves are rewritten."""

from collections.abc import Sequence
from typing import NamedTuple

from catalog.catalog import Catalog
from store.db.pool import Connection
from store.db.sql import execute, fetch_rows
from store.write.ledger import LedgerFact, new_order_key

_PAGE = 2_000


class _Operation(NamedTuple):
    id: str
    workflow: str
    about: str
    key: str
    relationship: str | None
    child: str | None
    requested_after: bytes


class _Child(NamedTuple):
    operation: str
    relationship: str
    child: str
    reference: bytes


async def reorder_references(conn: Connection, catalog: Catalog, tenant: str) -> None:
    """Gives operations and their children the new order keys of the facts that they remember."""
    kinds = {name: relationship.child for name, relationship in catalog.relationships.items()}
    operations = await fetch_rows(conn, _Operation, "operations_with_order_keys", tenant=tenant)
    places = [
        (o.about, o.key) if o.workflow == "cascade" else (kinds.get(o.relationship or "", ""), o.child or "")
        for o in operations
    ]
    new = await _new_order_keys(conn, catalog, tenant, places, [o.requested_after for o in operations])
    ids = [o.id for o in operations]
    await execute(conn, "reorder_operations", tenant=tenant, ids=ids, new=new)
    after = ("", "", "")
    while children := await fetch_rows(
        conn,
        _Child,
        "children_with_order_keys",
        tenant=tenant,
        operation=after[0],
        relationship=after[1],
        child=after[2],
        size=_PAGE,
    ):
        places = [(kinds.get(c.relationship, ""), c.child) for c in children]
        new = await _new_order_keys(conn, catalog, tenant, places, [c.reference for c in children])
        await execute(
            conn,
            "reorder_children",
            tenant=tenant,
            operations=[c.operation for c in children],
            relationships=[c.relationship for c in children],
            children=[c.child for c in children],
            new=new,
        )
        after = children[-1][:3]


async def _new_order_keys(
    conn: Connection, catalog: Catalog, tenant: str, places: Sequence[tuple[str, str]], old: Sequence[bytes]
) -> list[bytes]:
    """The new order keys of facts. ``places``: (kind, key) of each; ``old``: its order key, kept if no fact has it."""
    kinds, keys = [kind for kind, _ in places], [key for _, key in places]
    rows = await fetch_rows(
        conn, LedgerFact, "facts_by_order_key", tenant=tenant, kinds=kinds, keys=keys, order_keys=list(old)
    )
    new = {(row.kind, row.key, row.order_key): new_order_key(catalog, row) for row in rows}
    return [new.get((*place, order), order) for place, order in zip(places, old, strict=True)]
