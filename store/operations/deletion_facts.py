"""Finds the fact by which an entity was deleted, and whether it was a retirement: one while it was merged."""

from typing import NamedTuple

from store.db.pool import Connection
from store.db.sql import fetch_row
from store.write.entity_state import FoldedEntity


class DeletionFact(NamedTuple):
    """``correlation``: its correlation id; ``survivor``: what the entity was merged into when it was recorded."""

    correlation: str | None = None
    survivor: str | None = None


async def find_deletion(conn: Connection, tenant: str, entity: FoldedEntity) -> DeletionFact:
    """The newest deletion of an entity; an empty one if its fact is not in the ledger any more."""
    found = await fetch_row(
        conn,
        DeletionFact,
        "deletion_fact",
        tenant=tenant,
        kind=entity.kind,
        key=entity.key,
        order_key=entity.ended,
    )
    return found or DeletionFact()
