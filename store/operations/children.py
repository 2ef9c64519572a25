"""The children that an operation concerns: who is still to be asked for, who was, and what came of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Cascade, Relationship
from catalog.vocabulary import Command
from store.db.pool import Connection, Pool, connection
from store.db.sql import sql
from store.operations.operations import Row
from store.operations.restrictions import restrictions
from store.write.entity_state import Register, fetch_registers

COUNTED = 100_000
"""So many stand for any more."""

SILENCE = timedelta(minutes=1)
"""After which facts that should have come are worth a word."""
_FACTS = "facts of children: "


class Candidate(NamedTuple):
    """A child that is to be asked for. ``parent``: the one it must still belong to; ``reference``: the order key of
    the fact that says so, which tells this belonging from an earlier one; ``since``: the revision from which it has
    belonged there; ``round``: how often it was redriven."""

    child: Register
    parent: str
    reference: bytes
    since: int | None
    round: int


class CandidatePage(NamedTuple):
    """A page of children. ``next``: where the next page begins; None: this is the last. ``target``: of a move.
    ``others``: whether the owner has done what it was asked for other children of the operation."""

    items: list[Candidate]
    next: str | None
    command: type[Command]
    target: str | None
    others: bool


class OpenChildren(NamedTuple):
    """``outstanding``: children asked for whose facts have not come, the first since ``since``; ``why``: what the owner
    said of one of those that it did not know, or not there."""

    outstanding: int
    since: datetime | None
    parked: int
    why: str


class ChildOutcome(NamedTuple):
    """What became of one. ``state``: asked, failing (to be tried again) or parked. ``counts``: whether this attempt
    counts against it: after thirty of those it is parked."""

    child: str
    parent: str
    state: str
    reference: bytes
    reason: str = ""
    counts: bool = False


async def candidates(
    conn: Connection, tenant: str, operation: str, parent: str, relationships: Sequence[Relationship], *, limit: int
) -> dict[str, tuple[int, int]]:
    """Relationship → children of a parent that this operation is still to ask for; those it has not come to yet.
    Counts no further than ``limit``."""
    names = [r.name for r in relationships]
    rows = await conn.fetch(sql("count_candidates"), tenant, names, parent, operation, limit) if names else []
    return {row["relationship"]: (row["children"], row["remaining"]) for row in rows}


async def page(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    operation: str,
    relationship: Relationship,
    after: str,
    limit: int,
    *,
    again: bool,
) -> CandidatePage | None:
    """The next children to be asked for; None: the operation is over, or wished to stop.

    ``again``: those too that were asked for when another fact than today's named their parent, or of which their owner
    knew nothing. Those that are not to be asked for any more, or not at all, are parked.
    """
    async with connection(pool) as conn:
        row = await conn.fetchrow(sql("operation"), tenant, operation)
        if row is None or row["state"] != "running" or row["cancelled_at"] is not None:
            return None
        if row["workflow"] == "cascade":
            command, parent = relationship.sweep, row["key"]
            (gone,) = await fetch_registers(conn, tenant, [(row["about"], parent)])
            if gone.state != "deleted" or gone.life != row["incarnation"]:
                return None
            place = (tenant, operation, relationship.name, parent, after, limit, again)
            rows = await conn.fetch(sql("children_to_ask"), *place)
        else:
            command = relationship.move if row["kind"] == "move" else relationship.detach
            ends = catalog.contracts.deleted_types(relationship.child)
            named = (tenant, operation, relationship.name, after, limit, again, relationship.child, ends)
            rows = await conn.fetch(sql("planned_to_ask"), *named)
        registers = await fetch_registers(conn, tenant, [(relationship.child, r["child"]) for r in rows])
        found, back = _to_ask(relationship, rows, registers, planned=row["workflow"] == "plan")
        if back:
            await conn.execute(sql("skip_returned_children"), tenant, operation, relationship.name, back)
        if why := await _obstacles(conn, catalog, tenant, row, relationship, found):
            await _park(conn, tenant, operation, relationship, [item for item in found if item.child.key in why], why)
            found = [item for item in found if item.child.key not in why]
    if command is None:
        return None
    next = rows[-1]["child"] if len(rows) == limit else None
    return CandidatePage(found, next, command, row["parent"], row["confirmed"] > 0)


def _to_ask(
    relationship: Relationship, rows: Sequence[Row], registers: Sequence[Register], *, planned: bool
) -> tuple[list[Candidate], list[str]]:
    """Those that still belong where they did, and that their owner did not say it had done; and those of a plan that
    left, and came back."""
    found, back = [], []
    for child, register in zip(rows, registers, strict=True):
        reference, named = register.reference(relationship)
        if named is None or named != child["parent"]:
            continue
        if planned and child["back"]:
            back.append(child["child"])
        elif child["state"] != "requested" or child["reference"] != reference or child["last_error"]:
            found.append(Candidate(register, named, reference, child["linked"], child["redrives"] or 0))
    return found, back


async def _obstacles(
    conn: Connection, catalog: Catalog, tenant: str, row: Row, relationship: Relationship, found: Sequence[Candidate]
) -> dict[str, str]:
    """Child → why its owner is not to be asked: something of its own restricts that it is deleted; or where it was to
    be moved to is gone."""
    if row["workflow"] == "cascade" and isinstance(relationship.on_parent_deleted, Cascade):
        return await restrictions(conn, catalog, tenant, relationship.child, [item.child.key for item in found])
    if row["kind"] == "move":
        (target,) = await fetch_registers(conn, tenant, [(relationship.parent, row["parent"])])
        if target.state == "deleted":
            return {item.child.key: f"{target.kind} {target.key} is deleted" for item in found}
    return {}


async def _park(
    conn: Connection,
    tenant: str,
    operation: str,
    relationship: Relationship,
    found: list[Candidate],
    why: dict[str, str],
) -> None:
    await _begin(conn, tenant, operation, relationship.name, found)
    outcomes = [ChildOutcome(i.child.key, i.parent, "parked", i.reference, why[i.child.key][:300]) for i in found]
    await _keep(conn, tenant, operation, relationship.name, outcomes)


async def stopped(pool: Pool, tenant: str, operation: str) -> bool:
    """Whether an operation is over, or somebody wishes it to stop."""
    async with connection(pool) as conn:
        row = await conn.fetchrow(sql("operation"), tenant, operation)
    return row is None or row["state"] != "running" or row["cancelled_at"] is not None


async def begin(pool: Pool, tenant: str, operation: str, relationship: str, found: Sequence[Candidate]) -> None:
    """Remembers children that are about to be asked for."""
    async with connection(pool) as conn:
        await _begin(conn, tenant, operation, relationship, found)


async def _begin(conn: Connection, tenant: str, operation: str, relationship: str, found: Sequence[Candidate]) -> None:
    columns = zip(*((i.child.key, i.parent, i.reference, i.since) for i in found), strict=True)
    await conn.execute(sql("begin_children"), tenant, operation, relationship, *map(list, columns))


async def keep(pool: Pool, tenant: str, operation: str, relationship: str, outcomes: Sequence[ChildOutcome]) -> None:
    """Remembers them."""
    async with connection(pool) as conn:
        await _keep(conn, tenant, operation, relationship, outcomes)


async def _keep(
    conn: Connection, tenant: str, operation: str, relationship: str, outcomes: Sequence[ChildOutcome]
) -> None:
    columns = zip(*outcomes, strict=True)
    await conn.execute(sql("store_child_outcomes"), tenant, operation, relationship, *map(list, columns))


async def settle(conn: Connection, catalog: Catalog, tenant: str, operation: Row, now: datetime) -> None:
    """What facts have come to since: a child that is not where it was is done, or spared if that was not our doing.
    One whose fact has not come within its relationship's deadline is parked."""
    rels = catalog.relationships.values()
    target = operation["parent"] if operation["kind"] == "move" else None
    wishes = ["moved" if target else "deleted" if _deletes(operation, r) else "detached" for r in rels]
    await conn.execute(
        sql("settle_children"),
        tenant,
        operation["id"],
        [r.name for r in rels],
        [r.child for r in rels],
        wishes,
        target,
    )
    deadlines = [r.on_missing.deadline for r in rels]
    await conn.execute(sql("park_overdue_children"), tenant, operation["id"], [r.name for r in rels], deadlines, now)


def _deletes(operation: Row, relationship: Relationship) -> bool:
    return operation["kind"] != "detach" and isinstance(relationship.on_parent_deleted, Cascade)


async def spare_rest(conn: Connection, tenant: str, operation: str) -> None:
    """What was not seen to yet is let be."""
    await conn.execute(sql("skip_open_children"), tenant, operation)


async def left(conn: Connection, tenant: str, operation: str) -> OpenChildren:
    """What an operation still waits for."""
    row = await conn.fetchrow(sql("items_left"), tenant, operation)
    assert row is not None
    return OpenChildren(**row)


async def note_silence(conn: Connection, tenant: str, operation: str, waits: OpenChildren, now: datetime) -> None:
    """Says so where an operation has waited for facts for a while, and when they have come at last."""
    silent = waits.since is not None and now - waits.since >= SILENCE
    text = f"{waits.outstanding} have not come since {waits.since:%Y-%m-%d %H:%M} UTC" if silent else ""
    text = f"{text}: {waits.why}" if text and waits.why else text
    await conn.execute(sql("note_operation"), tenant, operation, f"{_FACTS}{text}" if text else "", _FACTS, ["running"])


async def listed(
    pool: Pool, tenant: str, operation: str, state: str | None, after: tuple[str, str], limit: int
) -> Sequence[Row]:
    """A page of the children that an operation concerns, from beyond a (relationship, child)."""
    async with connection(pool) as conn:
        return await conn.fetch(sql("items_page"), tenant, operation, state, *after, limit)
