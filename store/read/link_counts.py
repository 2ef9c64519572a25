"""How many links of a relationship are in which state.

Cost: the links are counted along one index, some tenths of a second for each million; those that wait or are broken
by what is rare: the waits and their children, and the tombstones of the parent's kind, one look-up each.
"""

from datetime import datetime
from typing import Any

from catalog.relationship import Relationship
from store.db.snapshot import Snapshot
from store.db.sql import sql


async def counts(at: Snapshot, relationship: Relationship, now: datetime) -> dict[str, int]:
    """State → links, as of the newest revision."""
    name, tenant = relationship.name, at.tenant
    late = now - relationship.on_missing.deadline
    links: int = await at.conn.fetchval(sql("count_links"), tenant, name)
    waiting: Any = await at.conn.fetchrow(sql("count_waiting"), tenant, name, late)
    broken: Any = await at.conn.fetchrow(sql("count_broken"), tenant, name, relationship.parent)
    live = linked = links - waiting["links"] - broken["links"]
    if relationship.exclusive:  # of the children of one parent, one is linked and all others are in conflict
        parents: int = await at.conn.fetchval(sql("count_parents"), tenant, name)
        linked = parents - waiting["parents"] - broken["parents"]
    return {
        "linked": linked,
        "waiting": waiting["links"] - waiting["late"],
        "overdue": waiting["late"],
        "broken": broken["links"],
        "conflict": live - linked,
    }
