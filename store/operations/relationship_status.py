"""The status of one relationship instance, for its workflow, and the announcement of its completed link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts import own_facts
from messages.relationship import RelationshipInstance
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import execute, fetch_row, fetch_value
from store.write import outbox
from store.write.settle import settle
from store.write.tenant_lock import lock


class FirstRequest(NamedTuple):
    """What a missing child was first requested for. Every attempt repeats it, whatever older facts arrive in between,
    also if another child was there meanwhile, until the fact arrives that carries its correlation id.

    ``purpose``: the incarnation of the parent, and the keys that the request takes from other relationships.
    ``left_at``: the revision at which the last child had left; None: none had. ``correlation``: the correlation id.
    """

    purpose: str
    left_at: int | None
    correlation: str


@dataclass(frozen=True, slots=True)
class RelationshipStatus:
    """What an instance waits for or has, as of a revision. ``parent``: the parent's data, None unless it is live;
    ``created``: the order key of its creation, or of its newest fact if none is known."""

    revision: int
    parent: dict[str, Any] | None
    created: bytes
    incarnation: str
    missing: str | None
    owner: str
    waiting_since: datetime | None
    due: datetime | None
    overdue_notified: bool
    last_error: str
    missing_links: list[str]
    """The relationships whose links have to come first, as the request for the child needs a key found by them."""
    operations_due: datetime | None
    children: int
    """At most 1000: more are not counted."""
    outbox_position: int = 0
    """Of the newest outbox row of the instance that this status includes."""
    registered: bool = False
    """Whether what ends the wait notifies the workflow of the instance."""
    now: datetime | None = None
    """The database's clock when this was read; None: the tenant is unknown."""
    left_at: int | None = None
    """Where children are requested: the revision at which the last one left. A child that is missing since then is
    another one than before, and is requested under another Idempotency-Key."""
    requested: FirstRequest | None = None
    """What a child was first requested for whose fact has not arrived; None: none was, or it has come."""

    @property
    def waits(self) -> bool:
        """Whether an operation is waiting, or an entity is missing that is not overdue yet."""
        return self.operations_due is not None or (self.missing is not None and not self.overdue_notified)


class _StatusRow(NamedTuple):
    """A row of ``relationship_status``: what is null comes from an entity or a wait that does not exist."""

    now: datetime
    revision: int
    state: str | None
    created: bytes | None
    incarnation: str | None
    data: dict[str, Any] | None
    missing: str | None
    owner: str | None
    waiting_since: datetime | None
    due: datetime | None
    overdue_notified: bool | None
    last_error: str | None
    requested_for: str | None
    requested_left_at: int | None
    correlation: str | None
    missing_links: list[str] | None
    workflow_may_exist: bool | None
    outbox_position: int | None
    operations_due: datetime | None
    children: int
    left_at: int | None


class _AnnouncedLink(NamedTuple):
    """A row of ``announced_link``. ``began``: the revision since which it is linked."""

    child: str
    began: int
    correlation: str | None


async def look(pool: Pool, tenant: str, relationship: Relationship, parent: str) -> RelationshipStatus:
    """Reads the status as of the current revision; that of an unknown tenant is empty, at revision 0."""
    async with connection(pool) as conn:
        is_requested = relationship.requested is not None
        row = await fetch_row(
            conn,
            _StatusRow,
            "relationship_status",
            tenant=tenant,
            relationship=relationship.name,
            parent=parent,
            parent_kind=relationship.element_kind,
            is_requested=is_requested,
        )
    if row is None:
        return RelationshipStatus(0, None, b"", "", None, "", None, None, False, "", [], None, 0)
    return RelationshipStatus(
        revision=row.revision,
        parent=row.data if row.state == "live" else None,
        created=row.created or b"",
        incarnation=row.incarnation or "",
        missing=row.missing,
        owner=row.owner or "",
        waiting_since=row.waiting_since,
        due=row.due,
        overdue_notified=bool(row.overdue_notified),
        last_error=row.last_error or "",
        missing_links=row.missing_links or [],
        operations_due=row.operations_due,
        children=row.children,
        outbox_position=row.outbox_position or 0,
        registered=bool(row.workflow_may_exist),
        now=row.now,
        left_at=row.left_at,
        requested=_first_request(row),
    )


def _first_request(row: _StatusRow) -> FirstRequest | None:
    if row.requested_for is None or row.correlation is None:
        return None
    return FirstRequest(row.requested_for, row.requested_left_at, row.correlation)


async def remember_request(
    pool: Pool, tenant: str, relationship: str, parent: str, request: FirstRequest, status: RelationshipStatus
) -> bool:
    """Stores what is requested for a missing child, before its first attempt. Returns whether it did: not if the wait
    of the ``status`` has ended, maybe since the same request was sent by another attempt and is answered already."""
    async with connection(pool) as conn:
        remembered = await fetch_value(
            conn,
            "remember_request",
            tenant=tenant,
            relationship=relationship,
            parent=parent,
            waiting_since=status.waiting_since,
            requested_for=request.purpose,
            left_at=request.left_at,
            correlation=request.correlation,
        )
    return remembered is not None


async def look_and_register(pool: Pool, tenant: str, relationship: Relationship, parent: str) -> RelationshipStatus:
    """Reads the status for a workflow that will wait by it: what changes it afterwards notifies the workflow.

    Where something is missing, the workflow registers with the wait and looks again, since the wait may have ended or
    begun again between the two.
    """
    status = await look(pool, tenant, relationship, parent)
    while status.missing is not None and not status.overdue_notified and not status.registered:
        async with connection(pool) as conn:
            await execute(conn, "register_workflow", tenant=tenant, relationship=relationship.name, parent=parent)
        status = await look(pool, tenant, relationship, parent)
    return status


async def follow_paths(
    pool: Pool, tenant: str, catalog: Catalog, relationship: Relationship, parent: str
) -> dict[str, str | None]:
    """Follows the ``Through`` paths of a command from a parent: field → key reached, or None if there is none yet."""
    found: dict[str, str | None] = {}
    for name, path in relationship.through.items():
        down = catalog.relationship(path.down)
        async with connection(pool) as conn:
            found[name] = await fetch_value(
                conn, "reached_child", tenant=tenant, up=path.up, parent=parent, down=path.down, kind=down.parent
            )
    return found


async def conclude(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    relationship: Relationship,
    parent: str,
    status: RelationshipStatus,
    cause: str | None,
) -> bool:
    """Publishes the announcement of a completed link, once, and deletes the outbox rows that this status includes.

    Returns whether there are newer outbox rows. ``cause``: id of the fact that led to this.
    """
    async with transaction(pool) as conn:
        if relationship.announce and status.missing is None and status.children:
            await lock(conn, tenant)  # before the link is read, so that it is still there when it is announced
            await _announce(conn, catalog, tenant, relationship, parent, cause)
        return await outbox.forget(conn, tenant, "relationship", relationship.name, parent, status.outbox_position)


async def _announce(
    conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship, parent: str, cause: str | None
) -> None:
    row = await fetch_row(
        conn,
        _AnnouncedLink,
        "announced_link",
        tenant=tenant,
        relationship=relationship.name,
        parent=parent,
        parent_kind=relationship.parent,
        child_kind=relationship.child,
    )
    if row is None:
        return
    child = row.child
    id = own_facts.derived_id("announce", relationship.name, parent, child, row.began)
    announcement = own_facts.entry(
        relationship.announce,
        relationship.child,
        child,
        {"relationship": relationship.name, "parent": parent, "child": child},
        id=id,
        causation=cause,
        correlation=row.correlation,
    )
    await settle(conn, catalog, tenant, [announcement], "workflow")


async def set_last_error(pool: Pool, instance: RelationshipInstance, text: str) -> None:
    """Stores the last error of an instance's request for its child, such as the owner's refusal.

    ``text``: cut after 1000 characters; empty: the request was sent, and nothing keeps the instance waiting but facts.
    """
    await _set_obstacle(pool, instance, text[:1000], ())


async def set_missing_links(pool: Pool, instance: RelationshipInstance, links: Sequence[str]) -> None:
    """Stores that an instance's request for its child cannot be sent before there are links of these relationships."""
    await _set_obstacle(pool, instance, "", links)


async def _set_obstacle(pool: Pool, instance: RelationshipInstance, text: str, links: Sequence[str]) -> None:
    async with connection(pool) as conn:
        await execute(
            conn,
            "set_wait_obstacle",
            tenant=instance.tenant,
            relationship=instance.relationship,
            parent=instance.parent,
            last_error=text,
            missing_links=list(links),
        )


async def count_contradiction(pool: Pool, tenant: str, relationship: str, parent: str, text: str) -> int:
    """Stores that an owner contradicted the request for the missing child, as the wait's last error.

    Returns how often it has; 0 if no child is missing any more.
    """
    async with connection(pool) as conn:
        count: int | None = await fetch_value(
            conn,
            "count_wait_contradiction",
            tenant=tenant,
            relationship=relationship,
            parent=parent,
            last_error=text[:1000],
        )
    return count or 0
