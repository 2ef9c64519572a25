"""The children of a life that has ended, of an entity that was created again.

A child belongs to the life that it referred to: to the one that ended if the fact by which it names its parent arrived
before the creation of the next one, else to the next one. Its owner and the parent's know no common order, so the
arrival decides, by positions in the ledger; but where both facts state a time, a child that is named after the
time of the creation belongs to the next one in any case. How long the children of the ended life are requested is
declared.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.columns import RelationshipColumns
from catalog.relationship import STOP, Relationship
from catalog.vocabulary import Effect
from store.db.pool import Connection
from store.db.sql import execute, fetch_row, fetch_value
from store.operations.operation_row import OperationRow
from store.write.entity_state import NOTHING, FoldedEntity
from store.write.lives import named_by

STOP_AFTER = timedelta(seconds=1)
"""How long children are requested after their parent was created again, where the policy is STOP."""
_AT_ONCE = 5_000
"""Children that are skipped by one statement."""


class Recreation(NamedTuple):
    """The creation that began the present life of an entity, after a deletion.

    ``position``: of its fact in the ledger; 0: no child belongs to the ended life by its arrival. ``time`` and
    ``nanoseconds``: those that the fact states, see facts.envelope.nanoseconds_of. ``recorded``: when
    that fact was recorded; ``read_at``: when this was read. Both times are the database's.
    """

    position: int
    time: datetime | None
    nanoseconds: int
    recorded: datetime
    read_at: datetime

    @property
    def place(self) -> dict[str, Any]:
        """What ``names_ended_life`` compares a child's fact with."""
        return {"position": self.position, "time": self.time, "nanoseconds": self.nanoseconds}

    @property
    def stops_at(self) -> datetime:
        """Until when children are requested where the policy is STOP, whenever an operation for them began."""
        return self.recorded + STOP_AFTER

    @property
    def left(self) -> timedelta:
        """How long that still is."""
        return self.stops_at - self.read_at


async def recreation(conn: Connection, catalog: Catalog, tenant: str, entity: FoldedEntity) -> Recreation | None:
    """How the present life of an entity began; None if it is deleted, or no deletion is known before it."""
    if entity.state != "live" or entity.ended == NOTHING:
        return None
    life = await fetch_row(
        conn,
        Recreation,
        "creation_after",
        tenant=tenant,
        kind=entity.kind,
        key=entity.key,
        types=catalog.contracts.types(entity.kind, Effect.CREATED),
        ended=entity.ended,
    )
    # A deletion that is older than the life that was known when it arrived has ended a life of which nothing is known.
    return life if life is None or entity.incarnation == named_by(entity.ended) else life._replace(position=0)


def stops(relationship: Relationship) -> bool:
    """Whether the children of an ended life are requested for a second only."""
    return relationship.on_recreated is STOP


def stopped(relationships: Sequence[Relationship], life: Recreation | None) -> tuple[Relationship, ...]:
    """The relationships whose children are not requested any more. ``life``: None if the entity is deleted.

    Never those that request their children: these say for which incarnation of the parent they were requested.
    """
    if life is None or life.left > timedelta(0):
        return ()
    return tuple(r for r in relationships if stops(r))


async def skip(
    conn: Connection,
    columns: RelationshipColumns,
    stopped: Collection[Relationship],
    row: OperationRow,
    life: Recreation,
) -> None:
    """Skips the children of an operation that belong to the new life, and all that were not requested, of the ended
    life, in relationships that are ``stopped``. In statements of their own, as children may be many."""
    for r in stopped:
        if r.many:
            await execute(conn, "skip_listed_children", tenant=row.tenant, operation=row.id, relationship=r.name)
    columns = RelationshipColumns([r for r in columns.relationships if not r.many], columns.owners)
    where = {"tenant": row.tenant, "operation": row.id, **life.place}
    await execute(
        conn,
        "skip_children_of_new_life",
        **where,
        relationships=columns.names,
        kinds=columns.child_kinds,
        fields=columns.fields,
    )
    for r in stopped:
        if r.many:
            continue
        parts = {"relationship": r.name, "kind": r.child, "field": r.root, "parent": row.key, "limit": _AT_ONCE}
        while await fetch_value(conn, "skip_children_of_ended_life", **where, **parts) == _AT_ONCE:
            pass


async def count_skipped(conn: Connection, row: OperationRow) -> int:
    """How many children an operation skipped because their parent was created again before they were requested."""
    count: int = await fetch_value(conn, "count_children_of_ended_life", tenant=row.tenant, operation=row.id)
    return count
