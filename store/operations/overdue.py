"""Notifies the owner of an overdue wait: publishes the fact RelationshipOverdue, once for each wait."""

from datetime import UTC, datetime
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts import own_facts
from facts.envelope import Entry
from store.db.pool import Pool, transaction
from store.db.sql import fetch_row
from store.write.settle import settle
from store.write.tenant_lock import lock


class _OverdueWait(NamedTuple):
    """A row of ``mark_overdue_notified``."""

    missing: str
    owner: str
    waiting_since: datetime
    due: datetime


async def notify(pool: Pool, catalog: Catalog, tenant: str, relationship: Relationship, parent: str) -> bool:
    """Publishes RelationshipOverdue, once, if the instance is due by the database's clock.

    Returns False if nothing is missing any more, it is not due yet, or was published before.
    """
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        row = await fetch_row(
            conn,
            _OverdueWait,
            "mark_overdue_notified",
            tenant=tenant,
            relationship=relationship.name,
            parent=parent,
            now=locked.now,
        )
        if row is None:
            return False
        await settle(conn, catalog, tenant, [_overdue(relationship, parent, row)], "workflow")
    return True


def _overdue(relationship: Relationship, parent: str, row: _OverdueWait) -> Entry:
    data = {
        "relationship": relationship.name,
        "child" if relationship.parent_lists else "parent": parent,
        "missing": row.missing,
        "owner": row.owner,
        "waiting_since": row.waiting_since.astimezone(UTC).isoformat(),
        "due": row.due.astimezone(UTC).isoformat(),
    }
    id = own_facts.derived_id("overdue", relationship.name, parent, data["due"])
    return own_facts.entry("RelationshipOverdue", relationship.element_kind, parent, data, id=id)
