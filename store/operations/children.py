"""The children of an operation: the outcomes of their requests, the facts that confirm them, and their counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import orjson

from catalog.catalog import Catalog
from catalog.relationship import Cascade, Relationship
from messages.child_reasons import ParkReason
from store.db.pool import Connection, Pool, connection
from store.db.sql import execute, fetch_row, fetch_value
from store.operations import stuck
from store.operations.operation_row import OperationRow

SILENCE = timedelta(minutes=1)
"""How long facts of requested children may take before the operation says that it waits for them."""

ChildState = Literal["planned", "failing", "requested", "confirmed", "skipped", "parked"]
RequestedState = Literal["failing", "requested", "parked"]
"""The states that follow from a request: to be sent again, accepted by the owner, or parked."""


class ChildOutcome(NamedTuple):
    """The outcome of the request for one child.

    ``last_error``: the message of the owner or of the connection; may be empty. ``counted``: whether this attempt
    counts; after thirty that do the child is parked. ``reported_missing``: whether the owner replied that the child
    does not exist, or is in another parent. ``renewed``: whether the next request is another one, under a key of its
    own. ``sent``: whether its owner may have received the request. ``park_reason``: why it is parked; None: it is not.
    """

    child: str
    parent: str
    state: RequestedState
    reference: bytes
    last_error: str = ""
    counted: bool = False
    reported_missing: bool = False
    renewed: bool = False
    sent: bool = True
    park_reason: ParkReason | None = None


class OpenChildren(NamedTuple):
    """The children for which an operation cannot end as done.

    ``unconfirmed``: requested, and their facts have not arrived; ``requested_since``: time of the oldest such request;
    ``reply``: an owner's reply for one of them that it reported missing. ``parked``: how many children are parked.
    """

    unconfirmed: int
    requested_since: datetime | None
    parked: int
    reply: str


async def store_outcomes(
    pool: Pool, tenant: str, operation: str, relationship: str, outcomes: Sequence[ChildOutcome]
) -> None:
    """Stores the outcomes of requests for children of one relationship."""
    async with connection(pool) as conn:
        await store_outcomes_in(conn, tenant, operation, relationship, outcomes)


async def store_outcomes_in(
    conn: Connection, tenant: str, operation: str, relationship: str, outcomes: Sequence[ChildOutcome]
) -> None:
    """Does the same as ``store_outcomes`` on a connection of the caller."""
    await execute(
        conn,
        "store_child_outcomes",
        tenant=tenant,
        operation=operation,
        relationship=relationship,
        children=[o.child for o in outcomes],
        parents=[o.parent for o in outcomes],
        states=[o.state for o in outcomes],
        order_keys=[o.reference for o in outcomes],
        errors=[o.last_error for o in outcomes],
        counted=[o.counted for o in outcomes],
        reported_missing=[o.reported_missing for o in outcomes],
        renewed=[o.renewed for o in outcomes],
        sent=[o.sent for o in outcomes],
        park_reasons=[None if o.park_reason is None else o.park_reason.code for o in outcomes],
        details=[None if o.park_reason is None else orjson.dumps(o.park_reason.details).decode() for o in outcomes],
    )


async def settle(conn: Connection, catalog: Catalog, tenant: str, operation: OperationRow) -> None:
    """Ends the children for which facts have arrived: a child that has left its parent is confirmed if that is what was
    requested, otherwise skipped. Parks those whose fact has not arrived within the deadline of their relationship.
    """
    columns = catalog.columns()
    target = operation.parent if operation.kind == "move" else None
    await execute(
        conn,
        "settle_children",
        tenant=tenant,
        operation=operation.id,
        relationships=columns.names,
        kinds=columns.child_kinds,
        actions=["move" if target else "delete" if _deletes(operation, r) else "detach" for r in columns.relationships],
        target=target,
        swept=operation.key if operation.workflow == "cascade" else None,
    )
    await execute(
        conn,
        "park_overdue_children",
        tenant=tenant,
        operation=operation.id,
        relationships=columns.names,
        deadlines=columns.deadlines,
    )


def _deletes(operation: OperationRow, relationship: Relationship) -> bool:
    return operation.kind != "detach" and isinstance(relationship.on_parent_deleted, Cascade)


async def skip_unrequested(conn: Connection, tenant: str, operation: str) -> None:
    """Skips the children of an operation for which a later deletion of their parent is responsible.

    Not those that were requested: their facts are on the way. Those that their owner reported missing are skipped.
    """
    await execute(conn, "skip_unrequested_children", tenant=tenant, operation=operation)


async def count_unrequested(conn: Connection, tenant: str, operation: str) -> int:
    """How many children of an operation still have to be requested, or requested again."""
    count: int = await fetch_value(conn, "count_unrequested", tenant=tenant, operation=operation)
    return count


async def left(conn: Connection, tenant: str, operation: str) -> OpenChildren:
    """Returns what an operation still waits for, and how many of its children are parked."""
    found = await fetch_row(conn, OpenChildren, "open_children", tenant=tenant, operation=operation)
    assert found is not None
    return found


async def note_missing_facts(conn: Connection, tenant: str, operation: str, left: OpenChildren, now: datetime) -> None:
    """Records on an operation that facts of its children have been missing for a while; clears that afterwards."""
    if left.requested_since is not None and now - left.requested_since >= SILENCE:
        await stuck.facts_missing(conn, tenant, operation, left.unconfirmed, left.requested_since, left.reply)
    else:
        await stuck.facts_arrived(conn, tenant, operation)
