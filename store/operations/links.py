"""Explicit links and unlinks, which wait until both sides exist.

What one does is a fact of Tether's own, ordered right after the child's newest word on the matter: it holds until the
child's owner says otherwise.
"""

from datetime import UTC, datetime, timedelta

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from errors import Unknown
from facts import own_facts
from facts.envelope import Entry
from facts.validation import check_text
from store.db.pool import Connection, Pool, transaction
from store.db.sql import sql
from store.operations import operations
from store.operations.operations import Row, Wanted
from store.write.entity_state import Register, fetch_registers
from store.write.settle import lock, settle

AT_ONCE = 20
"""Operations that end in one transaction: while it runs, nobody else writes this tenant."""


async def start(
    pool: Pool,
    tenant: str,
    relationship: Relationship,
    *,
    kind: str,
    parent: str | None,
    child: str,
    actor: str,
    idempotency_key: str | None,
) -> Row:
    """Records an operation of kind ``link`` or ``unlink`` and sees to it that its workflow is told.

    ``parent`` None: the one it is linked to now. Raises Conflict if the idempotency key was used for something else,
    Unknown if there is nothing to unlink, and Unacceptable if a text cannot be stored.
    """
    check_text((parent, child, idempotency_key))
    request = (kind, relationship.name, parent, child)
    async with operations.begun(pool, tenant, actor, idempotency_key, request) as begin:
        if begin.earlier is not None:
            return begin.earlier
        if parent is None:
            parent = await begin.conn.fetchval(sql("current_parent"), tenant, relationship.name, child)
            if parent is None:
                raise Unknown(f"{relationship.child} {child!r} has no link in {relationship.name}")
        return await begin(
            Wanted(
                kind=kind,
                workflow="relationship",
                about=relationship.name,
                key=parent,
                wait=relationship.on_missing.deadline,
                relationship=relationship.name,
                parent=parent,
                child=child,
            )
        )


async def operate(
    pool: Pool, catalog: Catalog, tenant: str, relationship: Relationship, parent: str, now: datetime
) -> None:
    """Ends what can be ended of an instance's operations, oldest first. ``now`` decides which have expired."""
    more = True
    while more:
        async with transaction(pool) as conn:
            await lock(conn, tenant)
            kinds = relationship.parent, relationship.child
            rows = await conn.fetch(sql("links_to_end"), tenant, relationship.name, parent, *kinds, now, AT_ONCE)
            for row in rows:
                await _operate(conn, catalog, tenant, relationship, row)
        more = len(rows) == AT_ONCE


async def _operate(conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship, row: Row) -> None:
    at = [(relationship.parent, row["parent"]), (relationship.child, row["child"])]
    parent, child = await fetch_registers(conn, tenant, at)
    gone = [s for s in (parent, child) if s.state == "deleted"]
    if row["cancelled_at"] is not None:
        await operations.end(conn, tenant, row, "cancelled")
    elif row["kind"] == "unlink":
        if child.parent(relationship) == parent.key:
            await _say(conn, catalog, tenant, relationship, row, child, None)
        else:
            reason = f"{child.kind} {child.key} is not linked to {parent.kind} {parent.key} any more"
            await operations.end(conn, tenant, row, "refused", reason)
    elif gone:
        await operations.end(conn, tenant, row, "refused", f"{gone[0].kind} {gone[0].key} is deleted")
    elif parent.state == child.state == "live":
        await _say(conn, catalog, tenant, relationship, row, child, parent.key)
    else:
        missing = next(s for s in (parent, child) if s.state != "live")
        await operations.end(conn, tenant, row, "expired", f"{missing.kind} {missing.key} was not heard of in time")


async def _say(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    relationship: Relationship,
    row: Row,
    child: Register,
    parent: str | None,
) -> None:
    """Records the link, or its end, and closes the operation with the revision that this made."""
    latest = await conn.fetchval(sql("latest_time"), tenant, child.kind, child.key)
    now = datetime.now(UTC)
    after = max(now, latest + timedelta(microseconds=1)) if latest is not None else now  # owners' clocks may be ahead
    time = int(after.timestamp() * 1_000_000)
    entry = linked_entry(relationship, parent, child.key, child.sequence, time, operation=row["id"])
    settled = await settle(conn, catalog, tenant, [entry], row["actor"])
    await operations.end(conn, tenant, row, "done", "", settled.revision)


def linked_entry(
    relationship: Relationship,
    parent: str | None,
    child: str,
    sequence: str | None,
    time: int | None,
    *,
    operation: str = "",
) -> Entry:
    """``Linked`` (or ``Unlinked``, if ``parent`` is None): the child's reference from this place in its order on."""
    data = (
        {"relationship": relationship.name} if parent is None else {"relationship": relationship.name, "parent": parent}
    )
    return own_facts.entry(
        "Unlinked" if parent is None else "Linked",
        relationship.child,
        child,
        data,
        id=own_facts.derived_id("linked", relationship.name, parent, child, sequence, time, operation),
        sequence=sequence,
        time=time,
        correlation=operation or None,
        names=((relationship.name, parent),),
    )
