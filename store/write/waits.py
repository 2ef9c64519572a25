"""What follows from a change: placeholders, waits and intents, in the same transaction.

A parent that arrives, or goes, costs one row here, however many children it has: what they are follows from its row.
"""

from dataclasses import dataclass, field
from datetime import datetime

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import sql
from store.write.diff import Changes
from store.write.outbox import Outbox

Instance = tuple[Relationship, str]
Entity = tuple[str, str]


async def follow(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    revision: int,
    now: datetime,
    result: Changes,
    *,
    operating: bool,
) -> None:
    """``operating``: some operation of this tenant waits for entities or links."""
    states = await _placeholders(conn, catalog, tenant, revision, result)
    affected = _affected(catalog, result, {at for at, state in states.items() if state == "unknown"})
    box = Outbox(conn, catalog, tenant, revision, now)
    if affected.told:
        await box.tell(affected.told)
    if operating:
        await box.tell_operations(result)
    if catalog.leading:
        await box.tell_led(result)
    if catalog.sweeping:
        await box.tell_cascades(result, {at for at, state in states.items() if state == "deleted"})
    if touched := affected.touched:
        await conn.execute(
            sql("end_waits"),
            tenant,
            [r.name for r, _ in touched],
            [p for _, p in touched],
            [r.parent for r, _ in touched],
            [r.requested is not None for r, _ in touched],
        )
    if affected.begun:
        await _begin(conn, catalog, tenant, now, affected.begun)


async def _placeholders(
    conn: Connection, catalog: Catalog, tenant: str, revision: int, result: Changes
) -> dict[Entity, str]:
    """Opens and closes placeholders; returns the state of each (kind, key) that turned, came to a child or lost one."""
    turned = {(t.register.kind, t.register.key): t.register.state for t in result.turned}
    named = {(o.relationship.parent, o.parent) for o in result.opened} - turned.keys()
    left = {(c.relationship.parent, c.parent) for c in result.closed} - turned.keys()
    if not named and not left:
        return turned
    wanted = list(named | left)
    rows = await conn.fetch(sql("states"), tenant, [k for k, _ in wanted], [k for _, k in wanted])
    state = {(r["kind"], r["key"]): r["state"] for r in rows}
    missing = [at for at in named if at not in state]
    if missing:
        await conn.execute(sql("open_placeholders"), tenant, revision, [k for k, _ in missing], [k for _, k in missing])
    orphaned = [at for at in left if state.get(at) == "unknown" and at not in named]
    if orphaned:
        rels = [(r.parent, r.name) for r in catalog.relationships.values()]
        await conn.execute(
            sql("close_placeholders"),
            tenant,
            revision,
            [k for k, _ in orphaned],
            [k for _, k in orphaned],
            [kind for kind, _ in rels],
            [name for _, name in rels],
        )
    return turned | {at: state.get(at, "unknown") for at in wanted}


@dataclass(slots=True)
class _Affected:
    """Instances by what may follow: they may begin to wait, may cease to, their workflow may have to be told."""

    begun: dict[Instance, Entry] = field(default_factory=dict)
    touched: dict[Instance, Entry] = field(default_factory=dict)
    told: dict[Instance, Entry] = field(default_factory=dict)

    def parent_turned(self, at: Instance, cause: Entry, *, awaited: bool) -> None:
        asked = at[0].requested is not None
        if asked:
            self.begun[at] = cause
        if asked or awaited:
            self.touched[at] = cause
        if at[0].always or awaited:
            self.told[at] = cause

    def child_came(self, at: Instance, cause: Entry, *, unknown: bool) -> None:
        if unknown:
            self.begun[at] = cause
        self._child(at, cause)

    def child_went(self, at: Instance, cause: Entry, *, unknown: bool) -> None:
        if at[0].requested is not None:
            self.begun.setdefault(at, cause)
        if unknown:
            self.touched[at] = cause
        self._child(at, cause)

    def _child(self, at: Instance, cause: Entry) -> None:
        if at[0].requested is not None:
            self.touched[at] = cause
        if at[0].always:
            self.told[at] = cause


def _affected(catalog: Catalog, result: Changes, unknown: set[Entity]) -> _Affected:
    affected = _Affected()
    for turned in result.turned:
        for relationship in catalog.by_parent.get(turned.register.kind, ()):
            affected.parent_turned((relationship, turned.register.key), turned.cause, awaited=turned.awaited)
    for opened in result.opened:
        at = (opened.relationship, opened.parent)
        affected.child_came(at, opened.cause, unknown=(at[0].parent, at[1]) in unknown)
        for led in catalog.led_up.get(at[0].name, ()):  # another parent may lead to what is needed
            affected.told.setdefault((led, opened.child), opened.cause)
    for closed in result.closed:
        at = (closed.relationship, closed.parent)
        affected.child_went(at, closed.cause, unknown=(at[0].parent, at[1]) in unknown)
    return affected


async def _begin(conn: Connection, catalog: Catalog, tenant: str, now: datetime, begun: dict[Instance, Entry]) -> None:
    rels = [r for r, _ in begun]
    await conn.execute(
        sql("begin_waits"),
        tenant,
        now,
        [r.name for r in rels],
        [p for _, p in begun],
        [r.parent for r in rels],
        [r.requested is not None for r in rels],
        [catalog.owner_of(r.parent) for r in rels],
        [catalog.owner_of(r.child) for r in rels],
        [r.on_missing.deadline for r in rels],
        [r.on_missing.grace for r in rels],
    )
