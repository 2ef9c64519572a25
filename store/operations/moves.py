"""Moves of a child to another parent, one after the other: what is to be done about them now.

The owner decides: it is asked once the target lives, for as long as the child is where it is thought to be, and the
fact that comes of it closes the operation. Until the owner was asked, a later move takes the place of an earlier one;
after that it queues.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.relationship import Relationship
from errors import Conflict
from facts.validation import check_text
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import sql
from store.operations import operations
from store.operations.operations import Row, Wanted
from store.write.entity_state import Register, fetch_registers
from store.write.settle import lock

_MAY_STILL = "it may still move"
"""What is to be said where an owner was asked, and its answer is not known."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the moves of a child stand. ``operation``: the one that is under way; None: there is none.

    ``asks``: its owner is to be asked, or was; else a target is waited for. ``newer``: there is more to look at.
    """

    operation: Row | None = None
    asks: bool = False
    missing: str = ""
    newer: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """What the owner of a child is to be asked: to move it from ``former`` to ``to``, if it still is there."""

    child: Register
    to: str
    former: str | None


async def start(
    pool: Pool,
    tenant: str,
    relationship: Relationship,
    *,
    child: str,
    to: str,
    actor: str,
    idempotency_key: str | None,
) -> Row:
    """Records a move. Raises Conflict where none is declared, or if the idempotency key was another request's."""
    check_text((child, to, idempotency_key))
    if relationship.move is None:
        raise Conflict(
            f"{relationship.name} declares no command that moves a {relationship.child}; declare move=…, or ask its "
            f"owner. An explicit link, POST …/links, holds until the owner says otherwise"
        )
    request = ("move", relationship.name, child, to)
    async with operations.begun(pool, tenant, actor, idempotency_key, request) as begin:
        if begin.earlier is not None:
            return begin.earlier
        return await begin(
            Wanted(
                kind="move",
                workflow="move",
                about=relationship.name,
                key=child,
                wait=relationship.on_missing.deadline,
                relationship=relationship.name,
                parent=to,
                child=child,
            )
        )


async def proceed(pool: Pool, tenant: str, relationship: Relationship, child: str, now: datetime) -> Standing:
    """Ends what can be ended, and says what is to be done. ``now`` decides which have expired."""
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        place = (tenant, "move", relationship.name, child)
        rows = await conn.fetch(sql("open_operations"), *place)
        (moved,) = await fetch_registers(conn, tenant, [(relationship.child, child)])
        step = _Step(conn, tenant, relationship, moved, revision, now)
        asked = [row for row in rows if row["state"] == "requested" and not await step.ends(row)]
        waiting = await step.newest([row for row in rows if row["state"] == "waiting"])
        if asked:
            return Standing(asked[0], asks=True)
        if waiting is not None:
            standing = await step.begins(waiting)
            if standing is not None:
                return standing
        newer = await conn.fetchval(sql("forget_outbox_rows"), *place, revision)
    return Standing(newer=bool(newer))


async def asking(pool: Pool, tenant: str, relationship: Relationship, operation: str) -> Asking | None:
    """What is to be asked for this operation; None: nothing any more.

    Raises Conflict if the target has ended since, or the child has and lives again.
    """
    async with connection(pool) as conn:
        row = await conn.fetchrow(sql("operation"), tenant, operation)
        if row is None or row["state"] != "requested" or row["confirmed_by"] is not None:
            return None
        sides = [(relationship.child, row["child"]), (relationship.parent, row["parent"])]
        child, target = await fetch_registers(conn, tenant, sides)
    since = "" if target.state != "deleted" else f"{target.kind} {target.key} is deleted"
    since = since or _anew(child, row)
    if since:
        raise Conflict(since)
    return Asking(child, row["parent"], row["former_parent"])


async def refuse(pool: Pool, tenant: str, operation: str, reason: str) -> None:
    """The owner does not want to: nothing has changed, unless an earlier attempt went unanswered."""
    async with transaction(pool) as conn:
        await lock(conn, tenant)
        row = await conn.fetchrow(sql("operation"), tenant, operation)
        if row is not None and row["state"] == "requested" and row["confirmed_by"] is None:
            may_still = f"; {_MAY_STILL}" if row["reason"] else ""
            await operations.end(conn, tenant, row, "refused", reason[:900] + may_still)


def _anew(child: Register, row: Row) -> str:
    """Whether the child is another one than the one whose owner was asked, in words."""
    same = row["requested_after"] is None or child.ended <= row["requested_after"]
    return "" if same else f"{child.kind} {child.key} was deleted and created anew"


@dataclass(frozen=True, slots=True)
class _Step:
    conn: Connection
    tenant: str
    relationship: Relationship
    child: Register
    revision: int
    now: datetime

    async def ends(self, row: Row) -> bool:
        """Whether a move whose owner was asked is over."""
        if row["confirmed_by"] is not None:
            await self._end(row, "done", revision=row["revision"])
        elif self.child.parent(self.relationship) == row["parent"]:
            await self._end(row, "done", revision=self.revision)
        elif row["cancelled_at"] is not None:
            await self._end(row, "cancelled", f"the owner had been asked already: {_MAY_STILL}")
        elif self.child.state == "deleted":
            await self._end(row, "refused", f"{self.child.kind} {self.child.key} is deleted")
        elif anew := _anew(self.child, row):
            await self._end(row, "refused", anew)
        elif row["due"] <= self.now:
            lacking = row["reason"] or "the owner's fact has not come"
            await self._end(row, "expired", f"{lacking}; {_MAY_STILL}")
        else:
            return False
        return True

    async def newest(self, rows: Sequence[Row]) -> Row | None:
        """The last that was wished; those before it are superseded."""
        wished = []
        for row in rows:
            if row["cancelled_at"] is not None:
                await self._end(row, "cancelled")
            else:
                wished.append(row)
        for row in wished[:-1]:
            await self._end(row, "superseded", f"operation {wished[-1]['id']} came after it")
        return wished[-1] if wished else None

    async def begins(self, row: Row) -> Standing | None:
        """Has the owner asked for a move, if both sides live; None: it is over."""
        kind = self.relationship.parent
        (target,) = await fetch_registers(self.conn, self.tenant, [(kind, row["parent"])])
        sides = (self.child, target)
        for side in sides:
            if side.state == "deleted":
                await self._end(row, "refused", f"{side.kind} {side.key} is deleted")
                return None
        if self.child.parent(self.relationship) == row["parent"] and target.state == "live":
            await self._end(row, "done", revision=self.revision)
            return None
        missing = next((f"{side.kind} {side.key}" for side in sides if side.state != "live"), "")
        if missing and row["due"] <= self.now:
            await self._end(row, "expired", f"{missing} was not heard of in time")
            return None
        if missing:
            return Standing(row, missing=missing)
        former = self.child.parent(self.relationship)
        asked = self.tenant, row["id"], former, self.child.latest
        return Standing(await self.conn.fetchrow(sql("ask_operation"), *asked), asks=True)

    async def _end(self, row: Row, state: str, reason: str = "", revision: int | None = None) -> None:
        await operations.end(self.conn, self.tenant, row, state, reason, revision)
