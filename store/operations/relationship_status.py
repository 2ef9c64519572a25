"""One instance of a relationship, as its workflow sees it: where it stands, what is said of it, when it is over."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts import own_facts
from facts.envelope import Entry
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import sql
from store.write.entity_state import incarnation
from store.write.settle import lock, settle


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an instance stands as of a revision. ``parent``: the parent's data while it is live."""

    revision: int
    parent: dict[str, Any] | None
    incarnation: str
    lacks: str | None
    debtor: str
    since: datetime | None
    due: datetime | None
    told: bool
    note: str
    operations_due: datetime | None
    children: int
    """A thousand stands for any more."""
    left_at: int | None = None
    """Where children are asked for: the revision at which the last one left. Whoever lacks one since then lacks another
    one than before."""

    @property
    def waits(self) -> bool:
        """Whether there is something to wait for, an operation or a fact that is not overdue yet."""
        return self.operations_due is not None or (self.lacks is not None and not self.told)


async def look(pool: Pool, tenant: str, relationship: Relationship, parent: str) -> Standing:
    """As of the current revision."""
    async with connection(pool) as conn:
        asked = relationship.requested is not None
        row = await conn.fetchrow(sql("standing"), tenant, relationship.name, parent, relationship.parent, asked)
    if row is None:
        return Standing(0, None, "", None, "", None, None, False, "", None, 0)
    return Standing(
        revision=row["revision"],
        parent=row["data"] if row["state"] == "live" else None,
        incarnation=incarnation(row["ended"] or b""),
        lacks=row["missing"],
        debtor=row["owner"] or "",
        since=row["waiting_since"],
        due=row["due"],
        told=bool(row["told"]),
        note=row["last_error"] or "",
        operations_due=row["operations_due"],
        children=row["children"],
        left_at=row["left_at"],
    )


async def led(
    pool: Pool, tenant: str, catalog: Catalog, relationship: Relationship, parent: str
) -> dict[str, str | None]:
    """What other relationships lead to from a parent, by the field of the command that needs it; None: nowhere yet."""
    found: dict[str, str | None] = {}
    for name, path in relationship.through.items():
        down = catalog.relationship(path.down)
        async with connection(pool) as conn:
            found[name] = await conn.fetchval(sql("led"), tenant, path.up, parent, path.down, down.parent)
    return found


async def conclude(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    relationship: Relationship,
    parent: str,
    standing: Standing,
    cause: str | None,
) -> bool:
    """Announces a completed link once and forgets the intents that were there when this was how it stood.

    Returns whether there is anything newer. ``cause``: id of the fact that led to this.
    """
    async with transaction(pool) as conn:
        if relationship.announce and standing.lacks is None and standing.children:
            await lock(conn, tenant)  # before the link is read, so that it is still there when it is announced
            await _announce(conn, catalog, tenant, relationship, parent, cause)
        newer = await conn.fetchval(
            sql("forget_outbox_rows"), tenant, "relationship", relationship.name, parent, standing.revision
        )
    return bool(newer)


async def _announce(
    conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship, parent: str, cause: str | None
) -> None:
    kinds = relationship.parent, relationship.child
    row = await conn.fetchrow(sql("holder"), tenant, relationship.name, parent, *kinds)
    if row is None:
        return
    child: str = row["child"]
    id = own_facts.derived_id("announce", relationship.name, parent, child, row["began"])
    told = own_facts.entry(
        relationship.announce,
        relationship.child,
        child,
        {"relationship": relationship.name, "parent": parent, "child": child},
        id=id,
        causation=cause,
        correlation=row["correlation"],
    )
    await settle(conn, catalog, tenant, [told], "workflow")


async def tell_overdue(
    pool: Pool, catalog: Catalog, tenant: str, relationship: Relationship, parent: str, now: datetime
) -> bool:
    """Tells once that the debtor of this instance owes a fact since ``now`` or before.

    False: nothing is owed any more, it is not due yet, or it was told.
    """
    async with transaction(pool) as conn:
        await lock(conn, tenant)
        row = await conn.fetchrow(sql("mark_overdue_notified"), tenant, relationship.name, parent, now)
        if row is None:
            return False
        await settle(conn, catalog, tenant, [_overdue(relationship, parent, row)], "workflow")
    return True


def _overdue(relationship: Relationship, parent: str, row: Any) -> Entry:
    data = {
        "relationship": relationship.name,
        "parent": parent,
        "lacks": row["missing"],
        "debtor": row["owner"],
        "since": row["waiting_since"].astimezone(UTC).isoformat(),
        "due": row["due"].astimezone(UTC).isoformat(),
    }
    id = own_facts.derived_id("overdue", relationship.name, parent, data["due"])
    return own_facts.entry("RelationshipOverdue", relationship.parent, parent, data, id=id)


async def note(pool: Pool, tenant: str, relationship: str, parent: str, text: str) -> None:
    """Why an instance still waits, for people: an owner's refusal, say."""
    async with connection(pool) as conn:
        await conn.execute(sql("note_wait"), tenant, relationship, parent, text[:1000])
