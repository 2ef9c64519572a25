"""Whether an operation still sends requests for children, and for which: read again and again while it does."""

from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts.envelope import nanoseconds_of
from facts.order_key import position, stated_time
from store.db.pool import Connection
from store.db.sql import fetch_row
from store.operations.ended_life import Recreation, recreation, stops
from store.operations.operation_row import OperationRow
from store.write.entity_state import NOTHING, FoldedEntity, fetch_entities
from store.write.former_links import is_former


class Sending(NamedTuple):
    """An operation that sends requests for children of one relationship.

    ``life``: only for the children of the life before this creation, since the parent was created again, and was
    deleted by the fact with the order key ``ended``; None: for all. ``seconds``: how long it goes on, since this was
    read; None: without limit.
    """

    operation: OperationRow
    life: Recreation | None = None
    ended: bytes = NOTHING
    seconds: float | None = None

    def concerns(self, relationship: Relationship, child: FoldedEntity) -> bool:
        """Whether a child is concerned: all are, or those of a life that ended, as they say, or by arrival and time."""
        if self.life is None:
            return True
        created = child.parent_created(relationship)
        if created is not None:
            return is_former(created, self.ended)
        order = child.reference(relationship)[0]
        named, again = stated_time(order), nanoseconds_of(self.life.time, self.life.nanoseconds)
        if named is not None and again is not None and named > again:
            return False
        return position(order) < self.life.position


async def find_sending(
    conn: Connection, catalog: Catalog, tenant: str, operation: str, relationship: Relationship
) -> Sending | None:
    """The operation, if it still sends requests for children of a relationship.

    None if it has ended or was cancelled, if a later deletion of its entity is responsible for the children, or if the
    entity was created again and the policy of the relationship is to stop.
    """
    row = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=operation)
    if row is None or row.state != "running" or row.cancelled_at is not None:
        return None
    if row.workflow != "cascade":
        return Sending(row)
    (entity,) = await fetch_entities(conn, tenant, [(row.about, row.key)])
    if entity.incarnation != row.incarnation:
        return None
    life = await recreation(conn, catalog, tenant, entity)
    if life is None:
        return Sending(row)
    if not stops(relationship):
        return Sending(row, life, entity.ended)
    seconds = life.left.total_seconds()
    return Sending(row, life, entity.ended, seconds) if seconds > 0 else None
