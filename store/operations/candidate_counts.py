"""How many children of a deleted parent an operation has still to request something for."""

from collections.abc import Sequence
from typing import NamedTuple

from catalog.relationship import Relationship
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.operations import listed_children
from store.operations.ended_life import Recreation

COUNTED = 100_000
"""The most candidates of one relationship that are counted: a progress shows this number for any greater one."""


class _CandidateCount(NamedTuple):
    relationship: str
    children: int
    remaining: int


async def count(
    conn: Connection,
    tenant: str,
    operation: str,
    parent: str,
    relationships: Sequence[Relationship],
    *,
    life: Recreation | None,
    limit: int,
) -> dict[str, tuple[int, int]]:
    """Counts the children of a deleted parent that an operation has still to request something for.

    Returns relationship → (children, of these not processed before). ``life``: the creation that
    began the parent's present life: only the children of the life before; None: all. Counts at most ``limit`` of each
    relationship.
    """
    many = [r for r in relationships if r.many]
    counts = {
        r.name: await listed_children.count(conn, tenant, operation, parent, r, life=life, limit=limit) for r in many
    }
    relationships = [r for r in relationships if not r.many]
    if not relationships:
        return counts
    names = [r.name for r in relationships]
    if life is None:
        rows = await fetch_rows(
            conn,
            _CandidateCount,
            "count_candidates",
            tenant=tenant,
            operation=operation,
            parent=parent,
            relationships=names,
            limit=limit,
        )
    else:
        rows = await fetch_rows(
            conn,
            _CandidateCount,
            "count_candidates_of_ended_life",
            tenant=tenant,
            operation=operation,
            parent=parent,
            relationships=names,
            kinds=[r.child for r in relationships],
            fields=[r.root for r in relationships],
            **life.place,
            limit=limit,
        )
    return counts | {row.relationship: (row.children, row.remaining) for row in rows}
