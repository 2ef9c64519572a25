"""Why a link is as it is: the facts that decided it, and all that it has been."""

from datetime import datetime
from typing import Any, NamedTuple

from catalog.relationship import Relationship
from store.db.snapshot import Snapshot
from store.db.sql import sql
from store.read import links, waits
from store.read.link_state import Link, holders
from store.read.waits import Wait
from store.write.entity_state import Register

VERSIONS = 100
"""Of a link's history the newest are told."""


class Version(NamedTuple):
    """To whom a child belonged; ``until`` is None for as long as it does."""

    parent: str
    since: datetime
    from_revision: int
    to_revision: int | None


class Fact(NamedTuple):
    """A fact of the ledger. ``time`` is when it happened, or if nobody said, when it was received."""

    source: str
    id: str
    type: str
    sequence: str | None
    time: datetime
    revision: int
    data: dict[str, Any]
    correlation: str | None


class Fate(NamedTuple):
    """What is being done about a child whose parent is gone. ``operation``: its id; ``state``: that of the operation;
    ``item``: how far it is with this child, asked, failing, parked; None: it has not come to it."""

    operation: str
    state: str
    item: str | None
    reason: str
    at: datetime | None


class Reasons(NamedTuple):
    """``said``: the child's fact that names its parent, or ends the link; ``turned``: the parent's that made its state.

    ``link`` is None if there is none any more; ``holder`` is the child that has the right to a contested parent.
    """

    link: Link | None
    said: Fact | None
    turned: Fact | None
    history: list[Version]
    holder: str | None
    wait: Wait | None
    fate: Fate | None = None


async def reasons(at: Snapshot, relationship: Relationship, child: str, now: datetime) -> Reasons | None:
    """As of the newest revision; None if the child never had a link."""
    rows = await at.conn.fetch(sql("link_versions"), at.tenant, relationship.name, child, VERSIONS)
    if not rows:
        return None
    versions = [Version(r["parent"], r["since"], r["from_revision"], r["to_revision"]) for r in reversed(rows)]
    found, _ = await links.page(at, links.Asked(relationship, child=child), None, 1, now)
    link = found[0] if found else None
    if link is not None:
        versions[-1] = versions[-1]._replace(to_revision=None)
    parent = versions[-1].parent
    registers = await _registers(at, (relationship.child, child), (relationship.parent, parent))
    said = await _fact(at, relationship.child, child, _saying(registers.get((relationship.child, child)), relationship))
    turned = await _fact(at, relationship.parent, parent, _turning(registers.get((relationship.parent, parent))))
    holder = None
    if link is not None and link.state == "conflict":
        claim = (relationship.name, parent, at.revision)
        holder = (await holders(at, [claim]))[claim]["child"]
    wait = await waits.find(at, relationship.name, parent)
    fate = None
    if link is not None and link.state == "broken" and relationship.sweep is not None:
        life = registers[relationship.parent, parent].life
        place = (relationship.parent, parent, life, relationship.name, child)
        row = await at.conn.fetchrow(sql("fate_of_child"), at.tenant, *place)
        fate = Fate(**row) if row is not None else None
    return Reasons(link, said, turned, versions, holder, wait, fate)


async def _registers(at: Snapshot, *entities: tuple[str, str]) -> dict[tuple[str, str], Register]:
    rows = await at.conn.fetch(sql("registers"), at.tenant, [k for k, _ in entities], [k for _, k in entities])
    return {(row["kind"], row["key"]): Register.of_row(row) for row in rows}


def _saying(register: Register | None, relationship: Relationship) -> bytes:
    """Order key of the fact that carries the reference, or that ended the child."""
    if register is None:
        return b""
    if register.state == "deleted":
        return register.ended
    order, field = register.refs.get(relationship.name, (b"", None))[0], relationship.field
    if field is not None and field in register.data:
        order = max(order, register.older.get(field, register.latest))
    return order


def _turning(register: Register | None) -> bytes:
    """Order key of the fact that made an entity what it is: its creation, its end, or else any word of it."""
    if register is None or register.state == "unknown":
        return b""
    if register.state == "deleted":
        return register.ended
    return register.created if register.created > register.ended else register.latest


async def _fact(at: Snapshot, kind: str, key: str, order: bytes) -> Fact | None:
    if not order:
        return None
    row = await at.conn.fetchrow(sql("fact_by_order"), at.tenant, kind, key, order)
    if row is None:
        return None
    time = row["time"] or row["received"]
    return Fact(
        row["source"], row["id"], row["type"], row["sequence"], time, row["revision"], row["data"], row["correlation"]
    )
