"""The children of a deleted parent in a many-to-many relationship: which are requested, and how many.

A child's stay at a parent is known by the revision since which it is linked to it, as many facts may state it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from catalog.relationship import Relationship
from store.db.pool import Connection
from store.db.sql import Row, fetch_row, fetch_rows
from store.operations.ended_life import Recreation
from store.operations.operation_row import OperationRow


class ListedCount(NamedTuple):
    """A row of ``count_listed_candidates``."""

    children: int
    remaining: int


class _StillListed(NamedTuple):
    child: str


def stay(linked_revision: int | None) -> bytes:
    """What stands for the order key of the fact that names the parent: a stay at it."""
    return b"" if linked_revision is None else linked_revision.to_bytes(8)


def _parameters(relationship: Relationship, *, cascade: bool = True) -> dict[str, Any]:
    return {
        "relationship": relationship.name,
        "child_kind": relationship.child,
        "parent_kind": relationship.parent,
        "skip_shared": cascade and relationship.skips_shared,
    }


async def candidates(
    conn: Connection,
    row_type: type[Row],
    row: OperationRow,
    relationship: Relationship,
    life: Recreation | None,
    after: str,
    limit: int,
    *,
    repeat: bool,
) -> list[Row]:
    """A page of the children of the entity whose deletion an operation processes. ``life``: it was created again."""
    return await fetch_rows(
        conn,
        row_type,
        "listed_cascade_candidates",
        tenant=row.tenant,
        operation=row.id,
        parent=row.key,
        parent_lists=relationship.parent_lists,
        recreated=None if life is None else life.recorded,
        after=after,
        repeat=repeat,
        limit=limit,
        **_parameters(relationship),
    )


async def count(
    conn: Connection,
    tenant: str,
    operation: str,
    parent: str,
    relationship: Relationship,
    *,
    life: Recreation | None,
    limit: int,
) -> tuple[int, int]:
    """(children that an operation has still to request something for, of these not processed before), up to a limit."""
    found = await fetch_row(
        conn,
        ListedCount,
        "count_listed_candidates",
        tenant=tenant,
        operation=operation,
        parent=parent,
        parent_lists=relationship.parent_lists,
        recreated=None if life is None else life.recorded,
        limit=limit,
        **_parameters(relationship),
    )
    assert found is not None
    return found.children, found.remaining


async def still_listed(
    conn: Connection,
    tenant: str,
    relationship: Relationship,
    stays: Sequence[tuple[str, str, int | None]],
    *,
    cascade: bool,
) -> set[str]:
    """Those of some children, each with its parent and the revision since which it is linked, that still count.
    ``cascade``: their parent was deleted."""
    if not stays:
        return set()
    children, parents, revisions = (list(column) for column in zip(*stays, strict=True))
    rows = await fetch_rows(
        conn,
        _StillListed,
        "listed_candidates_again",
        tenant=tenant,
        children=children,
        parents=parents,
        linked_revisions=revisions,
        **_parameters(relationship, cascade=cascade),
    )
    return {row.child for row in rows}
