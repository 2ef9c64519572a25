"""Explicit links and unlinks, which wait until both sides exist.

Either is recorded as a fact of Tether's own, ordered right after the child's newest fact: it lasts until the child's
owner publishes a later fact about the child's parent.
"""

from typing import NamedTuple

from catalog import limits
from catalog.catalog import Catalog
from catalog.relationship import Relationship
from errors import Refused, Unknown
from facts import own_facts
from facts.envelope import Entry, Reference, nanoseconds_of
from facts.validation import check_text
from messages.operation_reasons import EndReason, ReasonDetails
from store.db.pool import Connection, Pool, transaction
from store.db.sql import fetch_row, fetch_rows
from store.operations import listed_links, operations
from store.operations.fact_place import FactPlace
from store.operations.operation_row import OperationKind, OperationRow
from store.operations.operations import NewOperation, entity_reason
from store.operations.start_requests import start_request
from store.write.aliases import survivors_of
from store.write.entity_state import FoldedEntity, FoldedReference, fetch_entities
from store.write.settle import settle
from store.write.tenant_lock import lock

AT_ONCE = 20
"""Operations that end in one transaction: while it runs, no one else can write this tenant."""


class _Stated(NamedTuple):
    """A row of ``current_link``."""

    parent: str
    child: str


async def start(
    pool: Pool,
    tenant: str,
    relationship: Relationship,
    *,
    kind: OperationKind,
    parent: str | None,
    child: str,
    actor: str,
    idempotency_key: str | None,
) -> OperationRow:
    """Starts an operation of kind ``link`` or ``unlink``, or finds the one that the Idempotency-Key stands for.

    ``parent`` None: the current one, of which many-to-many children have several. Raises Refused if it has to be
    named, KeyReused, Unknown if there is no link to end, and Unacceptable if a text cannot be stored.
    """
    check_text((parent, child, idempotency_key))
    async with start_request(pool, tenant, actor, idempotency_key, (kind, relationship.name, parent, child)) as request:
        if request.earlier is not None:
            return request.earlier
        key = child
        child = await request.survivor(relationship.child, child)
        if relationship.many:
            if parent is None:
                raise Refused(
                    f"a {relationship.child} has many links in {relationship.name}: name the parent, ?parent=…"
                )
            parent = await request.survivor(relationship.parent, parent)
            linked = await listed_links.stated_ends(request.conn, tenant, relationship, child, parent)
            if kind == "unlink" and linked is None:
                raise Unknown(f"{relationship.child} {key!r} has no link to {parent!r} in {relationship.name}")
        elif parent is None:
            link = await fetch_row(
                request.conn, _Stated, "current_link", tenant=tenant, relationship=relationship.name, child=child
            )
            if link is None:
                raise Unknown(f"{relationship.child} {key!r} has no link in {relationship.name}")
            parent, child = link
        else:
            parent = await request.survivor(relationship.parent, parent)
        return await request.start(
            NewOperation(
                kind=kind,
                workflow="relationship",
                about=relationship.name,
                key=child if relationship.parent_lists else parent,
                timeout=relationship.on_missing.deadline,
                relationship=relationship.name,
                parent=parent,
                child=child,
            )
        )


async def finish_ready(pool: Pool, catalog: Catalog, tenant: str, relationship: Relationship, parent: str) -> None:
    """Ends every explicit link and unlink of a relationship instance that can be ended, oldest first.

    The database's clock decides which have expired.
    """
    more = True
    while more:
        async with transaction(pool) as conn:
            locked = await lock(conn, tenant)
            rows = await fetch_rows(
                conn,
                OperationRow,
                "links_to_end",
                tenant=tenant,
                relationship=relationship.name,
                parent=parent,
                parent_kind=relationship.parent,
                child_kind=relationship.child,
                now=locked.now,
                limit=AT_ONCE,
            )
            for row in rows:
                await _finish(conn, catalog, relationship, row)
        more = len(rows) == AT_ONCE


async def _finish(conn: Connection, catalog: Catalog, relationship: Relationship, row: OperationRow) -> None:
    sides = [(relationship.parent, row.parent or ""), (relationship.child, row.child or "")]
    if row.kind == "link":  # what was merged since the request is the entity that it has become
        survivors = await survivors_of(conn, row.tenant, sides)
        sides = [(side[0], survivors.get(side, side[1])) for side in sides]
    parent, child = await fetch_entities(conn, row.tenant, sides)
    deleted = next((side for side in (parent, child) if side.state == "deleted"), None)
    if row.cancelled_at is not None:
        await operations.end(conn, row, "cancelled")
    elif row.kind == "unlink":
        await _unlink(conn, catalog, relationship, row, child, parent)
    elif deleted is not None:
        await operations.end(conn, row, "refused", entity_reason("entity_deleted", deleted))
    elif too_long := next((side for side in (parent, child) if limits.size(side.key) > limits.KEY), None):
        # Requested before keys had this limit. It is ended, since it would keep all others of this parent from ending.
        await operations.end(conn, row, "refused", entity_reason("key_too_long", too_long))
    elif parent.state == child.state == "live":
        await _record(conn, catalog, relationship, row, child, row.parent)
    else:
        missing = next(side for side in (parent, child) if side.state != "live")
        await operations.end(conn, row, "expired", entity_reason("entity_missing", missing))


async def _unlink(
    conn: Connection,
    catalog: Catalog,
    relationship: Relationship,
    row: OperationRow,
    child: FoldedEntity,
    parent: FoldedEntity,
) -> None:
    """Records that a child does not have a parent any more, and ends the operation: refused if it did not have it."""
    if relationship.many:
        revision = await listed_links.unlink(conn, catalog, relationship, row, child.key, parent.key)
        if revision is not None:
            await operations.end(conn, row, "done", revision=revision)
            return
    elif child.parent(relationship) == parent.key:
        await _record(conn, catalog, relationship, row, child, None)
        return
    details: ReasonDetails = {
        "child_kind": child.kind,
        "child": child.key,
        "parent_kind": parent.kind,
        "parent": parent.key,
    }
    await operations.end(conn, row, "refused", EndReason("not_linked", details))


async def _record(
    conn: Connection,
    catalog: Catalog,
    relationship: Relationship,
    row: OperationRow,
    child: FoldedEntity,
    parent: str | None,
) -> None:
    """Records the link, or its end if ``parent`` is None, and ends the operation with the revision that this made."""
    if relationship.many and parent is not None:
        revision = await listed_links.link(conn, catalog, relationship, row, child.key, parent)
        await operations.end(conn, row, "done", revision=revision)
        return
    # At the place of the newest fact, after which it arrives: our clock decides nothing, since owners' may be ahead.
    newest = max(child.latest, child.refs.get(relationship.name, FoldedReference()).order)
    place = await fetch_row(
        conn, FactPlace, "place_of_fact", tenant=row.tenant, kind=child.kind, key=child.key, order_key=newest
    )
    sequence, time = (None, None) if place is None else (place.sequence, nanoseconds_of(place.time, place.finer))
    entry = linked_entry(relationship, parent, child.key, sequence, time, operation=row.id)
    settled = await settle(conn, catalog, row.tenant, [entry], row.actor)
    await operations.end(conn, row, "done", revision=settled.revision)


def linked_entry(
    relationship: Relationship,
    parent: str | None,
    child: str,
    sequence: str | None,
    time: int | None,
    *,
    operation: str = "",
) -> Entry:
    """The fact ``Linked``, or ``Unlinked`` if ``parent`` is None.

    ``sequence`` and ``time`` (nanoseconds since 1970) order it among the child's facts; ``operation``: id of the one
    that it belongs to.
    """
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
        names=(Reference(relationship.name, parent),),
    )
